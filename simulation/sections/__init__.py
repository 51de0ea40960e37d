"""The parts of the standard campaign: each takes an economy and random numbers and returns figures."""
