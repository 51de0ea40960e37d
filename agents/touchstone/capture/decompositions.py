"""Which operators are taken apart by PyTorch's own decompositions instead of having a lowering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._decomp import core_aten_decompositions, get_decompositions

from touchstone.capture.lowering import RULES

aten = torch.ops.aten

# PyTorch keeps these whole in its core set, but knows decompositions that lower well.
_BESIDE_CORE = (
    aten.addmv.default,
    aten.alpha_dropout.default,
    aten.binary_cross_entropy.default,
    aten.dist.default,
    aten.elu.default,
    aten.hardtanh.default,
    aten.leaky_relu.default,
    aten.native_dropout.default,
    aten.rrelu_with_noise_backward.default,
    aten.std_mean.correction,
)


def decompositions() -> dict[Any, Callable[..., Any]]:
    """For each operator without a lowering that PyTorch can take apart, the function that does."""
    table: dict[Any, Callable[..., Any]] = dict(core_aten_decompositions()) | get_decompositions(_BESIDE_CORE)
    return {operator: function for operator, function in table.items() if operator not in RULES}
