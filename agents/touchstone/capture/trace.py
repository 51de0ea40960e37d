"""Traces a whole step, of training or of a model alone, into one functional graph of ATen operators.

Two passes. The first records the step as it runs, autograd and in-place operators included, on fake tensors; learning rates are 0-d
float64 tensors, so that ``.item()`` on them gives a symbolic number instead of a constant. The second replays the first through
functionalisation, which removes mutation and aliasing, and through decompositions for operators that have no lowering of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.func import functionalize
from torch.fx import GraphModule, Interpreter, Node
from torch.fx._lazy_graph_module import _use_lazy_graph_module
from torch.fx.experimental.proxy_tensor import make_fx

from touchstone.capture.decompositions import decompositions
from touchstone.capture.errors import CaptureError, DataDependentError, ModelError, UnsupportedOperatorError
from touchstone.capture.twin import ModelTwin, plain_kernels

aten = torch.ops.aten


@dataclass(frozen=True)
class Trace:
    """A step as a graph.

    Attributes:
        module: owner of the graph and of the constant tensors it mentions.
        state: placeholders of the leaves.
        rates: placeholders of the learning rates, one per parameter group.
        batch: placeholders of the rows of this step of every array of the data set.
        following: for each leaf, the node of its next value.
        results: nodes of what the step reports, e.g. the loss.
    """

    module: GraphModule
    state: tuple[Node, ...]
    rates: tuple[Node, ...]
    batch: tuple[Node, ...]
    following: tuple[Node, ...]
    results: tuple[Node, ...]


def record(twin: ModelTwin, batch: Sequence[torch.Tensor]) -> GraphModule:
    """The first pass: one step of ``twin`` on a batch of the shapes and dtypes of ``batch``, as it runs.

    Raises:
        DataDependentError: the step looks at tensors' values.
        ModelError: the step fails on this data.
    """

    def step(*arguments: Any) -> Any:  # make_fx counts the arguments of a function, and miscounts those of a bound method
        return twin.step(*arguments)

    with _tracing(twin):
        return _make_fx(step, {aten.native_batch_norm.default: _explicit_batch_norm})(*_arguments(twin, batch))


def trace(twin: ModelTwin, batch: Sequence[torch.Tensor], recorded: GraphModule | None = None) -> Trace:
    """Trace one step of ``twin``; ``recorded`` is its first pass, where there is one.

    Raises:
        DataDependentError: the step looks at tensors' values.
        ModelError: the step fails on this data.
    """
    first = record(twin, batch) if recorded is None else recorded
    with _tracing(twin):
        second = _make_fx(functionalize(_replay(first), remove="mutations_and_views"), decompositions())(*_arguments(twin, batch))
    return _as_trace(second, len(twin.leaves), twin.groups)


def is_same_record(first: GraphModule, second: GraphModule) -> bool:
    """Whether two records of a step are the same, operator by operator and constant by constant."""
    return _signature(first) == _signature(second)


def bits(tensor: torch.Tensor) -> tuple[torch.dtype, tuple[int, ...], bytes]:
    """All there is to know about a dense tensor."""
    return tensor.dtype, tuple(tensor.shape), tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def _signature(module: GraphModule) -> list[object]:
    """What a record says. Names are given in the order of the nodes, so that equal records use equal ones."""
    return [
        (node.op, node.name, _constant(module, node) if node.op == "get_attr" else node.target, repr((node.args, node.kwargs)))
        for node in module.graph.nodes
    ]


def _constant(module: GraphModule, node: Node) -> object:
    value = getattr(module, str(node.target))
    is_dense = isinstance(value, torch.Tensor) and value.layout is torch.strided
    return bits(value) if is_dense else object()  # equal to no other


def _arguments(twin: ModelTwin, batch: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], ...]:
    """What a step is traced with: state, learning rates, and batch."""
    rates = [torch.tensor(0.001, dtype=torch.float64) for _ in range(twin.groups)]
    return [leaf.tensor.detach() for leaf in twin.leaves], rates, list(batch)


@contextmanager
def _tracing(twin: ModelTwin) -> Iterator[None]:
    """PyTorch set up for tracing, and its errors translated."""
    try:
        with plain_kernels(), _quiet(), torch.fx.traceback.preserve_node_meta(), _use_lazy_graph_module(True):
            yield
    except CaptureError as error:  # torch.fx has added the graph's text to it
        raise type(error)(str(error).splitlines()[0]) from error
    except Exception as error:
        raise _translate(error, twin) from error


def _as_trace(second: GraphModule, leaves: int, groups: int) -> Trace:
    placeholders = second.graph.find_nodes(op="placeholder")
    (output,) = second.graph.find_nodes(op="output")
    returned = torch.utils._pytree.tree_leaves(output.args[0])
    cut = (leaves, leaves + groups)
    return Trace(
        module=second,
        state=tuple(placeholders[: cut[0]]),
        rates=tuple(placeholders[cut[0] : cut[1]]),
        batch=tuple(placeholders[cut[1] :]),
        following=tuple(returned[:leaves]),
        results=tuple(returned[leaves:]),
    )


def module_path(node: Node) -> str:
    """Path of the submodule a node comes from; for the backward pass, of the forward operator whose values it reads. May be empty."""
    pending, seen = [node], {node}
    for candidate in pending:
        path = candidate.meta.get("custom", {}).get("module")
        if path:
            return str(path) if candidate is node else f"{path} (backward)"
        fresh = [source for source in candidate.all_input_nodes if source not in seen]
        seen.update(fresh)
        pending += fresh
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch logs a traceback for what it also raises; the raised error is enough."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled


def _make_fx(function: Callable[..., Any], table: dict[Any, Callable[..., Any]]) -> Callable[..., GraphModule]:
    traced: Callable[..., GraphModule] = make_fx(function, decomposition_table=table, tracing_mode="fake", _allow_non_fake_inputs=True)
    return traced


def _replay(module: GraphModule) -> Callable[..., Any]:
    """The first pass as a function; interpreting it node by node hands each node's module path on to the second pass."""

    def run(*arguments: Any) -> Any:
        return Interpreter(module).run(*arguments)

    return run


def _explicit_batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_variance: torch.Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Batch normalisation that says what it does to the running statistics; PyTorch's changes them behind its schema's back."""
    if running_mean is None or running_variance is None:
        return aten._native_batch_norm_legit.no_stats(x, weight, bias, training, momentum, eps)
    if not training:
        return aten._native_batch_norm_legit_no_training(x, weight, bias, running_mean, running_variance, momentum, eps)
    results = aten._native_batch_norm_legit_functional(x, weight, bias, running_mean, running_variance, training, momentum, eps)
    running_mean.copy_(results[3])
    running_variance.copy_(results[4])
    return results[:3]


_SIGNS_OF_DATA_DEPENDENCE = (
    "data-dependent",
    "data dependent",
    "DynamicOutputShape",
    "DataDependent",
    "only contain concrete integers",
    "to contain only concrete integers",
    ".numpy() is not supported",
    "unbacked",
    "u0",
)


def _translate(error: Exception, twin: ModelTwin) -> CaptureError:
    """A one-line typed error for what PyTorch raised while tracing."""
    text = f"{type(error).__name__}: {error}"
    where = f" at {twin.location.current}" if twin.location.current else ""
    if any(sign in text for sign in _SIGNS_OF_DATA_DEPENDENCE):
        return DataDependentError(
            f"the step depends on the values of tensors{where} (if, .item(), .numpy(), nonzero or a mask as index); "
            "compute with torch.where and fixed shapes instead"
        )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, NotImplementedError):
        return UnsupportedOperatorError(f"PyTorch cannot trace this step{where}: {reason}; replace that operation")
    return ModelError(f"the step fails{where}: {reason}; make sure that it runs in plain PyTorch on one batch")
