"""Merkle commitments to tensors, programs, states and traces, and the replay that recomputes them."""
