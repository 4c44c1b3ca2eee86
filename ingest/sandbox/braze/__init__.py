"""A strict stand-in for Braze: one workspace in memory, with faults on request. Not the real Braze."""
