"""How a saved submission reaches Braze."""
