"""From a graph and the slots' next values to a Program without anything unused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from touchstone.capture.graph import Graph
from touchstone.capture.views import Value
from touchstone.machine.program import Kind, Node, Program, Ref, Slot


@dataclass(frozen=True)
class Assembly:
    """A program, and where its slots and constants come from.

    Attributes:
        program: the finished step.
        slots: for each slot, its index in the graph.
        constants: for each constant, its reference in the graph: a constant, or a slot that never changes.
    """

    program: Program
    slots: tuple[int, ...]
    constants: tuple[Ref, ...]


def assemble(graph: Graph, following: Sequence[Value], pinned: int) -> Assembly:
    """Keep what the next state depends on, in the order it was made.

    Slots that never change become constants, constants and nodes that nobody reads are dropped.

    Args:
        graph: declared slots and constants, and nodes in topological order.
        following: for each slot of the graph, its value after the step.
        pinned: how many of the first slots stay slots in any case.
    """
    wholes = [graph.contiguous(value) for value in following]
    changing = [k for k, value in enumerate(wholes) if k < pinned or value.ref != Ref(Kind.SLOT, k)]
    targets = {k: _storable(graph, wholes[k], changing) for k in changing}
    live = _live(graph, targets.values())
    frozen = [Ref(Kind.SLOT, k) for k in range(len(graph.slots)) if k not in set(changing) and Ref(Kind.SLOT, k) in live]
    constants = [Ref(Kind.CONSTANT, k) for k in range(len(graph.constants)) if Ref(Kind.CONSTANT, k) in live] + frozen
    nodes = [k for k in range(len(graph.nodes)) if Ref(Kind.NODE, k) in live]
    renamed = {Ref(Kind.SLOT, old): Ref(Kind.SLOT, new) for new, old in enumerate(changing)}
    renamed |= {old: Ref(Kind.CONSTANT, new) for new, old in enumerate(constants)}
    renamed |= {Ref(Kind.NODE, old): Ref(Kind.NODE, new) for new, old in enumerate(nodes)}
    program = Program(
        slots=tuple(Slot(graph.slots[k], renamed[targets[k]]) for k in changing),
        constants=tuple(graph.type_of(ref) for ref in constants),
        nodes=tuple(_rename(graph.nodes[k], renamed) for k in nodes),
    )
    return Assembly(program, tuple(changing), tuple(constants))


def _storable(graph: Graph, whole: Value, changing: Sequence[int]) -> Ref:
    """What a slot's ``next`` can hold: a changing slot or a node. A slot that takes a constant's value takes it through a copy."""
    if whole.ref.kind is Kind.NODE or (whole.ref.kind is Kind.SLOT and whole.ref.index in changing):
        return whole.ref
    return graph.copy(whole).ref


def _live(graph: Graph, roots: Iterable[Ref]) -> set[Ref]:
    live: set[Ref] = set()
    pending = list(roots)
    while pending:
        ref = pending.pop()
        if ref in live:
            continue
        live.add(ref)
        if ref.kind is Kind.NODE:
            pending += [operand.ref for operand in graph.nodes[ref.index].operands]
    return live


def _rename(node: Node, renamed: dict[Ref, Ref]) -> Node:
    return replace(node, operands=tuple(replace(operand, ref=renamed[operand.ref]) for operand in node.operands))
