"""From a traced training step to a workload: gathers the mini-batch, lowers every operator, and keeps the books of the step."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.fx import Node
from torch.fx.node import map_arg

from touchstone.capture.assemble import assemble
from touchstone.capture.data import Column, Dataset
from touchstone.capture.errors import CaptureError, DataDependentError, DTypeError, ModelError, UnsupportedOperatorError
from touchstone.capture.graph import Graph
from touchstone.capture.hints import REPLACEMENTS
from touchstone.capture.labels import LabelFacts
from touchstone.capture.lowering import RULES, Context, Output
from touchstone.capture.lowering.randomness import DRAWS
from touchstone.capture.timetable import Number, Timetable
from touchstone.capture.trace import Trace, module_path
from touchstone.capture.twin import Leaf
from touchstone.capture.views import Value
from touchstone.machine.program import DType, Kind, MapFn
from touchstone.machine.workload import Array, Workload

_OWN_SLOTS = ("step", "loss_history")
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


@dataclass(frozen=True)
class Job:
    """What a step is trained with.

    Attributes:
        dataset: inputs and targets.
        order: sample indices, int32 of shape [steps, batch].
        rates: learning rates of the parameter groups at every step.
        key: the two words that key the machine's random numbers.
    """

    dataset: Dataset
    order: Array
    rates: Sequence[tuple[float, ...]]
    key: tuple[int, int]

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.order)


@dataclass
class _Lowering:
    """The state of one translation."""

    trace: Trace
    leaves: Sequence[Leaf]
    job: Job
    timetable: Timetable
    graph: Graph = field(default_factory=Graph)
    labels: LabelFacts = field(default_factory=LabelFacts)
    values: dict[Node, Any] = field(default_factory=dict)
    slot_names: list[str] = field(default_factory=list)
    slot_arrays: list[Array] = field(default_factory=list)
    constant_names: list[str] = field(default_factory=list)
    constant_arrays: list[Array] = field(default_factory=list)
    tables: dict[tuple[float, ...], Value] = field(default_factory=dict)
    widened: set[Node] = field(default_factory=set)

    def slot(self, name: str, array: Array) -> Value:
        self.slot_names.append(name)
        self.slot_arrays.append(array)
        return self.graph.slot(_machine_dtype(array), array.shape)

    def constant(self, name: str, array: Array) -> Value:
        self.constant_names.append(name)
        self.constant_arrays.append(array)
        return self.graph.constant(_machine_dtype(array), array.shape)


def lower(trace: Trace, leaves: Sequence[Leaf], job: Job, timetable: Timetable, info: dict[str, object]) -> Workload:
    """The workload of a traced step.

    Raises:
        UnsupportedOperatorError: names every ATen operator without a lowering and where the first is used.
        DTypeError: the step computes in a dtype the machine lacks.
        LabelError: a class label of the data set is out of range.
    """
    work = _Lowering(trace, leaves, job, timetable)
    step = work.slot("step", np.zeros(1, dtype=np.int32))
    history = work.slot("loss_history", np.zeros(job.steps, dtype=np.float32))
    kept = [k for k in range(len(leaves)) if k not in timetable.slots]
    for k in kept:
        work.values[trace.state[k]] = work.slot(leaves[k].name, _machine_array(leaves[k].name, leaves[k].tensor))
    _gather_batch(work, step)
    _fill_tables(work, step)
    _lower_nodes(work, step)
    following = [_next_step(work.graph, step), _record_loss(work.graph, history, step, work.values[trace.loss])]
    following += [
        work.graph.reshape(work.values[trace.following[k]], work.graph.slots[i].shape) for i, k in enumerate(kept, len(_OWN_SLOTS))
    ]
    return _finish(work, following, info)


def _machine_dtype(array: Array) -> DType:
    return DType.F32 if array.dtype == np.float32 else DType.I32


def _machine_array(name: str, tensor: torch.Tensor) -> Array:
    """A C-contiguous copy in the machine's dtype."""
    array = tensor.detach().cpu().numpy()
    if tensor.dtype is torch.float32:
        return np.array(array, dtype=np.float32, order="C")
    if tensor.dtype not in _INTEGERS:
        raise DTypeError(f"{name} has dtype {tensor.dtype}; convert it to float32 or an integer dtype")
    wide = array.astype(np.int64)
    if wide.size and (wide.max() > 2**31 - 1 or wide.min() < -(2**31)):
        raise DTypeError(f"{name} holds integers that do not fit 32 bits; renumber them")
    return np.array(wide, dtype=np.int32, order="C")


# The batch, the tables and the books of a step


def _gather_batch(work: _Lowering, step: Value) -> None:
    """Row ``step`` of the order picks this step's samples of every array."""
    order = work.constant("order", work.job.order)
    batch_size = work.job.order.shape[1]
    indices = work.graph.reshape(work.graph.gather(order, step), (batch_size,))
    for node, column in zip(work.trace.batch, work.job.dataset.columns, strict=True):
        work.values[node] = _gather_rows(work, column, indices)


def _gather_rows(work: _Lowering, column: Column, indices: Value) -> Value:
    samples, *rest = column.array.shape
    data = work.constant(column.name, column.array)
    rows = work.graph.gather(work.graph.reshape(data, (samples, column.array.size // samples)), indices)
    if rows.dtype is DType.I32:
        work.labels.remember(rows, column.array)
    return work.graph.reshape(rows, (indices.shape[0], *rest))


def _fill_tables(work: _Lowering, step: Value) -> None:
    """Values that depend on time alone: a literal where they never change, else a look-up by step."""
    groups = list(zip(*work.job.rates, strict=True))
    for node in work.trace.module.graph.nodes:
        column = work.timetable.values.get(node)
        if column is None:
            continue
        rounded = tuple(float(np.float32(number)) for number in column)
        if len(set(rounded)) == 1:
            work.values[node] = work.graph.f32(rounded[0])
            continue
        if rounded not in work.tables:
            name = _table_name(rounded, groups, len(work.tables))
            table = work.constant(name, np.array(rounded, dtype=np.float32).reshape(-1, 1))
            work.tables[rounded] = work.graph.reshape(work.graph.gather(table, step), ())
        work.values[node] = work.tables[rounded]


def _table_name(column: tuple[float, ...], groups: Sequence[tuple[float, ...]], index: int) -> str:
    for k, rates in enumerate(groups):
        if tuple(float(np.float32(rate)) for rate in rates) == column:
            return "table:lr" if len(groups) == 1 else f"table:lr{k}"
    return f"table:{index}"


def _next_step(graph: Graph, step: Value) -> Value:
    return graph.map(MapFn.IADD, step, graph.i32(1))


def _record_loss(graph: Graph, history: Value, step: Value, loss: Value) -> Value:
    here = graph.map(MapFn.IEQ, graph.iota(history.shape[0]), step)
    return graph.select(here, graph.reshape(loss, ()), history)


# Operators


def _lower_nodes(work: _Lowering, step: Value) -> None:
    sites = _sites(work.trace)
    pending = [node for node in _live_nodes(work) if node not in work.values]
    _refuse_unsupported(pending)
    for node in pending:
        if node.op == "get_attr":
            work.values[node] = _captured_constant(work, node)
        elif node.target is operator.getitem:
            source, index = node.args
            work.values[node] = work.values[source][index]  # type: ignore[index]
        else:
            work.values[node] = _lower_operator(work, node, step, sites.get(node, 0))


def _live_nodes(work: _Lowering) -> list[Node]:
    """Nodes that the loss and the next state depend on, in order, without those that depend on time alone."""
    trace, live = work.trace, set()
    pending = [trace.loss, *(node for k, node in enumerate(trace.following) if k not in work.timetable.slots)]
    while pending:
        node = pending.pop()
        if node in live or node in work.timetable.values:
            continue
        live.add(node)
        pending += node.all_input_nodes
    return [node for node in trace.module.graph.nodes if node in live]


def _sites(trace: Trace) -> dict[Node, int]:
    """Number of each random operator within the step, in the order they run, also of those whose result is not used."""
    draws = [node for node in trace.module.graph.nodes if node.target in DRAWS]
    return {node: site for site, node in enumerate(draws)}


def _refuse_unsupported(nodes: Sequence[Node]) -> None:
    unsupported = [
        node for node in nodes if node.op == "call_function" and node.target is not operator.getitem and node.target not in RULES
    ]
    if not unsupported:
        return
    first = unsupported[0]
    where = module_path(first)
    if first.target is torch.ops.aten._local_scalar_dense.default:
        at = f" at {where}" if where else ""
        raise DataDependentError(f"the step turns a tensor into a Python number{at}; keep it a tensor, without .item()")
    others = sorted({_operator_name(node) for node in unsupported} - {_operator_name(first)})
    also = f" (also {', '.join(others)})" if others else ""
    remedy = next((text for prefix, text in REPLACEMENTS.items() if _operator_name(first).startswith(prefix)), None)
    raise UnsupportedOperatorError(
        f"operator {_operator_name(first)}{f' at {where}' if where else ''} is not supported yet{also}; "
        f"{remedy or 'see docs/how-to/train-a-model.md for the operators that are'}"
    )


def _operator_name(node: Node) -> str:
    """Name a user can look up: of the operator before decomposition where it is known."""
    original = node.meta.get("original_aten")
    return str(original if original is not None else node.target).removesuffix(".default")


def _captured_constant(work: _Lowering, node: Node) -> Value:
    """A tensor that the model makes or holds outside its parameters and buffers."""
    tensor = getattr(work.trace.module, str(node.target))
    if not isinstance(tensor, torch.Tensor):
        raise ModelError(f"the step uses {node.target}, a {type(tensor).__name__} instead of a tensor; pass it as data")
    name = f"const:{str(node.target).strip('_')}"
    return work.constant(name, _machine_array(name, tensor))


def _lower_operator(work: _Lowering, node: Node, step: Value, site: int) -> Any:
    where = module_path(node)
    output = _output_of(work, node, where)
    context = Context(work.graph, output, step, work.job.key, site, work.labels, where)
    arguments = map_arg(node.args, lambda source: work.values[source])
    options = map_arg(node.kwargs, lambda source: work.values[source])
    try:
        result = RULES[node.target].lowering(context, *arguments, **options)  # type: ignore[index]
    except CaptureError:
        raise
    except OverflowError as error:
        raise DTypeError(f"{_operator_name(node)}{context.at}: {error}; use smaller integers") from error
    first = result[0] if isinstance(result, tuple) else result
    assert first is not None
    expected = DType.F32 if output.is_float else DType.I32
    assert first.shape == output.shape and first.dtype is expected, f"{node.target} lowered to {first}, expected {output}"
    return result


def _output_of(work: _Lowering, node: Node, where: str) -> Output:
    value = node.meta.get("val")
    first = value[0] if isinstance(value, (tuple, list)) else value
    at = f" at {where}" if where else ""
    if not isinstance(first, torch.Tensor):
        raise ModelError(f"{_operator_name(node)}{at} computes a number on the host from data; keep it a tensor")
    if _is_widened_by_table(work, node, first):
        work.widened.add(node)
        return Output(torch.float32, ())
    if first.dtype is not torch.float32 and first.dtype not in _INTEGERS:
        raise DTypeError(f"{_operator_name(node)}{at} computes in {first.dtype}; use float32 (no autocast, no .double() or .half())")
    return Output(first.dtype, tuple(first.shape))


def _is_widened_by_table(work: _Lowering, node: Node, value: torch.Tensor) -> bool:
    """Whether a 0-d result is float64 only because a tabulated number, traced as float64, meets a 0-d float32 tensor."""
    if value.dtype is not torch.float64 or value.dim():
        return False
    return any(source in work.timetable.values or source in work.widened for source in node.all_input_nodes)


def _finish(work: _Lowering, following: Sequence[Value], info: dict[str, object]) -> Workload:
    built = assemble(work.graph, following, pinned=len(_OWN_SLOTS))
    frozen = [ref.kind is Kind.SLOT for ref in built.constants]
    info = info | {"host_state": {work.leaves[k].name: _compact(column) for k, column in work.timetable.slots.items()}}
    return Workload(
        program=built.program,
        slot_names=tuple(work.slot_names[k] for k in built.slots),
        state=tuple(work.slot_arrays[k] for k in built.slots),
        constant_names=tuple(
            (work.slot_names if was_slot else work.constant_names)[ref.index] for ref, was_slot in zip(built.constants, frozen, strict=True)
        ),
        constants=tuple(
            (work.slot_arrays if was_slot else work.constant_arrays)[ref.index]
            for ref, was_slot in zip(built.constants, frozen, strict=True)
        ),
        steps=work.job.steps,
        info=info,
    )


def _compact(column: Sequence[Number]) -> dict[str, object]:
    """A counter as start and increment, anything else as the list of its values."""
    increment = column[1] - column[0]
    if all(column[0] + increment * t == number for t, number in enumerate(column)):
        return {"start": column[0], "increment": increment}
    return {"values": list(column)}
