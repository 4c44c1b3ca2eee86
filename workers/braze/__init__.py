"""The only code that speaks to Braze."""
