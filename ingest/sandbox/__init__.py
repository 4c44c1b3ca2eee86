"""A stand-in Braze and a Komo hub to play with, for the demo and the tests."""
