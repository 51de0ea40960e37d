"""What depends on nothing but the step number is computed now, in float64, and becomes a table.

Adam's bias corrections are the typical case: they follow from the learning rate and from 0-d counters that only count. Such counters leave
the program's state; their values are kept in ``Workload.info`` for export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Node
from torch.fx.node import map_arg

from touchstone.capture.lowering.randomness import DRAWS
from touchstone.capture.trace import Trace

Number = int | float


@dataclass(frozen=True)
class Timetable:
    """Values of the nodes that depend on time alone.

    Attributes:
        nodes: all of them.
        values: for each of them that other nodes read, its value at every step.
        slots: for the index of each leaf that is itself such a node, its values before step 0, 1, …, and after the last.
    """

    nodes: frozenset[Node]
    values: dict[Node, tuple[float, ...]]
    slots: dict[int, tuple[Number, ...]]


def tabulate(trace: Trace, initial: Sequence[torch.Tensor], rates: Sequence[tuple[float, ...]]) -> Timetable:
    """Find the nodes that depend on time alone, and evaluate them for every step.

    Args:
        trace: the step.
        initial: initial values of the leaves.
        rates: learning rates of the parameter groups, for every step.
    """
    nodes, slots = _time_only(trace, initial)
    read = {
        source
        for node in trace.module.graph.nodes
        if node not in nodes and node.op != "output"
        for source in node.all_input_nodes
        if source in nodes
    }
    read |= {trace.following[k] for k in range(len(initial)) if k not in slots and trace.following[k] in nodes}
    return _evaluate(trace, nodes, slots, read, initial, rates)


def _time_only(trace: Trace, initial: Sequence[torch.Tensor]) -> tuple[set[Node], set[int]]:
    """The greatest set of 0-d leaves that follow from the learning rates and from each other, with all nodes that do."""
    slots = {k for k, tensor in enumerate(initial) if tensor.dim() == 0}
    while True:
        nodes = set(trace.rates) | {trace.state[k] for k in slots}
        for node in trace.module.graph.nodes:
            if node.op == "call_function" and _is_scalar(node) and node.target not in DRAWS:
                sources = node.all_input_nodes
                if sources and all(source in nodes for source in sources):
                    nodes.add(node)
        outside = {k for k in slots if trace.following[k] not in nodes}
        if not outside:
            return nodes, slots
        slots -= outside


def _is_scalar(node: Node) -> bool:
    value = node.meta.get("val")
    return value.numel() == 1 if isinstance(value, torch.Tensor) else isinstance(value, (torch.SymFloat, torch.SymInt, float, int))


def _evaluate(
    trace: Trace,
    nodes: set[Node],
    slots: set[int],
    read: set[Node],
    initial: Sequence[torch.Tensor],
    rates: Sequence[tuple[float, ...]],
) -> Timetable:
    order = _needed(trace, nodes, [*read, *(trace.following[k] for k in slots)])
    merged = _merge_equal(trace, order, slots, initial)
    order = [node for node in order if merged[node] is node]
    current: dict[int, torch.Tensor] = {k: _widened(initial[k]) for k in slots}
    values: dict[Node, list[float]] = {merged[node]: [] for node in read}
    history: dict[int, list[Number]] = {k: [current[k].item()] for k in slots}
    for row in rates:
        known: dict[Node, Any] = {trace.state[k]: current[k] for k in slots}
        known |= {node: torch.tensor(rate, dtype=torch.float64) for node, rate in zip(trace.rates, row, strict=True)}
        _run(order, merged, known)
        for node, column in values.items():
            column.append(float(known[node]))
        current = {k: torch.as_tensor(known[merged[trace.following[k]]]) for k in slots}
        for k in slots:
            history[k].append(current[k].item())
    return Timetable(
        nodes=frozenset(nodes),
        values={node: tuple(values[merged[node]]) for node in read},
        slots={k: tuple(column) for k, column in history.items()},
    )


def _run(order: Sequence[Node], merged: dict[Node, Node], known: dict[Node, Any]) -> None:
    """Compute the nodes of ``order`` from what is known, adding them to it."""
    for node in order:
        if node.op == "call_function":
            arguments = map_arg(node.args, lambda source: known[merged[source]])
            known[node] = node.target(*arguments, **node.kwargs)  # type: ignore[operator]


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().double() if tensor.is_floating_point() else tensor.detach().clone()


def _needed(trace: Trace, nodes: set[Node], roots: Sequence[Node]) -> list[Node]:
    live: set[Node] = set()
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node in nodes and node not in live:
            live.add(node)
            pending += node.all_input_nodes
    return [node for node in trace.module.graph.nodes if node in live]


def _number(order: Sequence[Node], leaves: dict[Node, object]) -> dict[Node, int]:
    """Equal numbers for nodes that apply the same operator to equal arguments; ``leaves`` are equal where their marks are."""
    numbers: dict[object, int] = {}
    number_of: dict[Node, int] = {}
    for node in order:
        if node in leaves:
            key: object = ("leaf", leaves[node])
        elif node.op == "placeholder":
            key = ("rate", node.name)
        else:
            key = (str(node.target), str(map_arg((node.args, node.kwargs), lambda source: f"%{number_of[source]}")))
        number_of[node] = numbers.setdefault(key, len(numbers))
    return number_of


def _merge_equal(trace: Trace, order: Sequence[Node], slots: set[int], initial: Sequence[torch.Tensor]) -> dict[Node, Node]:
    """For each node the first one with the same value at every step, so that a hundred counters are counted once.

    Leaves with equal initial values are taken as equal until their next values turn out to be computed differently.
    """
    leaf_of = {trace.state[k]: k for k in slots}
    classes: dict[int, object] = {k: (str(initial[k].dtype), initial[k].item()) for k in slots}
    while True:
        number_of = _number(order, {node: classes[k] for node, k in leaf_of.items()})
        refined = {k: (classes[k], number_of[trace.following[k]]) for k in slots}
        if len(set(refined.values())) == len(set(classes.values())):
            break
        names = {value: n for n, value in enumerate(dict.fromkeys(refined.values()))}
        classes = {k: names[value] for k, value in refined.items()}
    first: dict[int, Node] = {}
    return {node: first.setdefault(number, node) for node, number in number_of.items()}
