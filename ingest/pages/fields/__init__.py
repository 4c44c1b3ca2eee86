"""The page on which somebody chooses what of Komo's goes to Braze: `rows` <-> rules, `seen` fields, a live `trial`."""
