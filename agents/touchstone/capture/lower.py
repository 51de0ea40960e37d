"""From a traced step to a workload: lowers every operator, and puts what the step reads and writes around it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.fx import Node
from torch.fx.node import map_arg

from touchstone.capture.assemble import assemble
from touchstone.capture.errors import CaptureError, DataDependentError, DTypeError, ModelError, UnsupportedOperatorError
from touchstone.capture.hints import REPLACEMENTS, SEE
from touchstone.capture.inputs import fill_tables, gather_batch
from touchstone.capture.lowering import RULES, Context, Output
from touchstone.capture.lowering.randomness import DRAWS
from touchstone.capture.timetable import Number, Timetable
from touchstone.capture.trace import Trace, module_path
from touchstone.capture.twin import Leaf
from touchstone.capture.views import Value
from touchstone.capture.work import INTEGERS, Job, Work, machine_array
from touchstone.machine.program import DType, Kind, MapFn
from touchstone.machine.workload import Workload


def lower(trace: Trace, leaves: Sequence[Leaf], job: Job, timetable: Timetable, info: dict[str, object]) -> Workload:
    """The workload of a traced step.

    Raises:
        UnsupportedOperatorError: names every ATen operator without a lowering and where the first is used.
        DTypeError: the step computes in a dtype the machine lacks.
        LabelError: a class label of the data set is out of range.
    """
    work = Work(trace, leaves, job, timetable)
    step = work.slot("step", np.full(1, job.first, dtype=np.int32))
    own = [work.slot(name, array) for name, array in job.books.slots([_type_of(node) for node in trace.results])]
    kept = [k for k in range(len(leaves)) if k not in timetable.slots]
    for k in kept:
        work.values[trace.state[k]] = work.slot(leaves[k].name, machine_array(leaves[k].name, leaves[k].tensor))
    index = work.graph.map(MapFn.ISUB, step, work.graph.i32(job.first)) if job.first else step
    gather_batch(work, index)
    fill_tables(work, index)
    _lower_nodes(work, step)
    following = [work.graph.map(MapFn.IADD, step, work.graph.i32(1))]
    following += job.books.record(work.graph, index, own, [work.values[node] for node in trace.results])
    pinned = len(following)
    following += [work.graph.reshape(work.values[trace.following[k]], work.graph.slots[i].shape) for i, k in enumerate(kept, pinned)]
    return _finish(work, following, pinned, info)


def _type_of(node: Node) -> Output:
    value = node.meta["val"]
    return Output(value.dtype, _fixed_shape(node, value))


def _fixed_shape(node: Node, value: torch.Tensor) -> tuple[int, ...]:
    if not all(isinstance(dim, int) for dim in value.shape):
        raise DataDependentError(f"the shape of the result of {_operator_name(node)} depends on values; compute with fixed shapes instead")
    return tuple(value.shape)


# Operators


def _lower_nodes(work: Work, step: Value) -> None:
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


def _live_nodes(work: Work) -> list[Node]:
    """Nodes that the results and the next state depend on, in order, without those that depend on time alone."""
    trace, live = work.trace, set()
    pending = [*trace.results, *(node for k, node in enumerate(trace.following) if k not in work.timetable.slots)]
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
        f"operator {_operator_name(first)}{f' at {where}' if where else ''} is not supported yet{also}; {remedy or SEE}"
    )


def _operator_name(node: Node) -> str:
    """Name a user can look up: of the operator before decomposition where it is known."""
    original = node.meta.get("original_aten")
    return str(original if original is not None else node.target).removesuffix(".default")


def _captured_constant(work: Work, node: Node) -> Value:
    """A tensor that the model makes or holds outside its parameters and buffers."""
    tensor = getattr(work.trace.module, str(node.target))
    if not isinstance(tensor, torch.Tensor):
        raise ModelError(f"the step uses {node.target}, a {type(tensor).__name__} instead of a tensor; pass it as data")
    name = f"const:{str(node.target).strip('_')}"
    return work.constant(name, machine_array(name, tensor))


def _lower_operator(work: Work, node: Node, step: Value, site: int) -> Any:
    where = module_path(node)
    output = _output_of(work, node, where)
    context = Context(work.graph, output, step, work.job.key, site, work.labels, where, _operator_name(node), work.numbers)
    arguments = map_arg(node.args, lambda source: work.values[source])
    options = map_arg(node.kwargs, lambda source: work.values[source])
    try:
        result = RULES[node.target].lowering(context, *arguments, **options)  # type: ignore[index]
    except CaptureError:
        raise
    except OverflowError as error:
        raise DTypeError(f"{_operator_name(node)}{context.at}: {error}; use smaller integers") from error
    results = result if isinstance(result, tuple) else (result,)
    first = next(value for value in results if value is not None)
    assert first.shape == output.shape, f"{node.target} lowered to {first}, expected {output}"
    if first.dtype is not (DType.F32 if output.is_float else DType.I32):
        raise DTypeError(f"{_operator_name(node)}{context.at} in {output.dtype} is not supported; convert its operands with .float()")
    return result


def _output_of(work: Work, node: Node, where: str) -> Output:
    value = node.meta.get("val")
    results = value if isinstance(value, (tuple, list)) else (value,)
    first = next((result for result in results if result is not None), None)  # gradients that nobody needs are None
    at = f" at {where}" if where else ""
    if not isinstance(first, torch.Tensor):
        raise ModelError(f"{_operator_name(node)}{at} computes a number on the host from data; keep it a tensor")
    if _is_widened_by_table(work, node, first):
        work.widened.add(node)
        return Output(torch.float32, ())
    if first.dtype is not torch.float32 and first.dtype not in INTEGERS:
        raise DTypeError(f"{_operator_name(node)}{at} computes in {first.dtype}; use float32 (no autocast, no .double() or .half())")
    return Output(first.dtype, _fixed_shape(node, first))


def _is_widened_by_table(work: Work, node: Node, value: torch.Tensor) -> bool:
    """Whether a 0-d result is float64 only because a tabulated number, traced as float64, meets a 0-d float32 tensor."""
    if value.dtype is not torch.float64 or value.dim():
        return False
    return any(source in work.timetable.values or source in work.widened for source in node.all_input_nodes)


def _finish(work: Work, following: Sequence[Value], pinned: int, info: dict[str, object]) -> Workload:
    built = assemble(work.graph, following, pinned)
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
