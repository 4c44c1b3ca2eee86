"""The komo-braze command, one file per noun."""
