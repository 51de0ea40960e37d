"""Touchstone: a market for machine-learning compute between strangers."""
