"""The shapes of everything that comes in, is kept, and goes out."""

from marshmallow import ValidationError

__all__ = ["ValidationError"]
