"""Lowerings of ATen operators, by subject. Importing this package fills the registry."""

from touchstone.capture.lowering import (
    activations,
    arithmetic,
    channel_norms,
    comparison,
    convolution,
    creation,
    linear,
    losses,
    movement,
    pooling,
    randomness,
    reductions,
)
from touchstone.capture.lowering.registry import RULES, Context, Output, Rule

__all__ = [
    "RULES",
    "Context",
    "Output",
    "Rule",
    "activations",
    "arithmetic",
    "channel_norms",
    "comparison",
    "convolution",
    "creation",
    "linear",
    "losses",
    "movement",
    "pooling",
    "randomness",
    "reductions",
]
