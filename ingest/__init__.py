"""What comes in, and what people look at."""
