"""Which operators are taken apart by PyTorch's own decompositions instead of having a lowering."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch._decomp import core_aten_decompositions, get_decompositions

from touchstone.capture.errors import UnsupportedOperatorError
from touchstone.capture.lowering import RULES

aten = torch.ops.aten

# PyTorch keeps these whole in its core set, but knows decompositions that lower well.
_BESIDE_CORE = (
    aten.addmv.default,
    aten.alpha_dropout.default,
    aten.dist.default,
    aten.elu.default,
    aten.hardtanh.default,
    aten.leaky_relu.default,
    aten.native_dropout.default,
    aten.rrelu_with_noise_backward.default,
    aten.std_mean.correction,
)


def _put_where_true(
    x: torch.Tensor, indices: list[torch.Tensor | None], values: torch.Tensor, accumulate: bool = False
) -> torch.Tensor | Any:
    """x[mask] = value, or += value, as a choice: how many elements a mask names is not known when a step is captured."""
    if all(index is None or index.dtype is not torch.bool for index in indices):
        return NotImplemented  # numbers: the operator has a lowering
    mask = indices[0]
    if len(indices) > 1 or mask is None or values.numel() > 1:
        raise UnsupportedOperatorError("assigning several values to x[mask] is not supported; use torch.where")
    chosen = mask.reshape(*mask.shape, *(1,) * (x.dim() - mask.dim()))
    value = values.reshape(())
    return torch.where(chosen, x + value if accumulate else value, x)


@cache
def decompositions() -> dict[Any, Callable[..., Any]]:
    """For each operator without a lowering that PyTorch can take apart, the function that does; and for writing to a mask.

    Made once: PyTorch walks its whole registry for it, which takes longer than tracing a small step.
    """
    table: dict[Any, Callable[..., Any]] = dict(core_aten_decompositions()) | get_decompositions(_BESIDE_CORE)
    table = {operator: function for operator, function in table.items() if operator not in RULES}
    return table | dict.fromkeys((aten.index_put.default, aten._unsafe_index_put.default), _put_where_true)
