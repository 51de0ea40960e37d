"""Where the time of a step goes: measured part by part, summed by operator family. Free of torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.machine.cost import node_operations
from touchstone.machine.program import Op, Program
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Workload

COPIES = "copies of the state"

# A part that carries out nodes of several families counts for the first of these.
_FAMILIES = {
    Op.DOT: "matrix products",
    Op.REDUCE: "reductions",
    Op.SCATTER_ADD: "scatters",
    Op.GATHER: "gathers",
    Op.MAP: "elementwise",
    Op.MOVE: "moves",
    Op.SOURCE: "sources",
}


@dataclass(frozen=True)
class Part:
    """What the runtime carries out in one go: a node, or several without storing what is between them.

    Attributes:
        family: the operator family.
        nodes: indices of its nodes, in order; empty for the copies that end a step.
        seconds: the least time it took.
        operations: its scalar operations, of the cost model.
    """

    family: str
    nodes: tuple[int, ...]
    seconds: float
    operations: int


@dataclass(frozen=True)
class Family:
    """All parts of one operator family: how many, and their sums."""

    name: str
    parts: int
    seconds: float
    operations: int


def time_parts(workload: Workload, steps: int, threads: int = 0) -> list[Part]:
    """Run ``steps`` steps after one that warms up, and time every part of a step; the parts stand in the order of execution.

    Args:
        workload: what to run.
        steps: how often to time each part; the least time counts.
        threads: how many threads compute; 0 means one per processor.
    """
    machine = NativeMachine(workload.program, workload.constants, threads)
    machine.load(workload.state)
    machine.run(1)
    return [_part(workload.program, each.nodes, each.seconds) for each in machine.profile(steps)]


def by_family(parts: Sequence[Part]) -> list[Family]:
    """The parts summed by family, slowest family first."""
    groups: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.family].append(part)
    families = [
        Family(name, len(group), sum(each.seconds for each in group), sum(each.operations for each in group))
        for name, group in groups.items()
    ]
    return sorted(families, key=lambda family: -family.seconds)


def describe(program: Program, part: Part) -> str:
    """The operators of a part and the shape of its last output: ``map mul, map add [256, 512]``."""
    if not part.nodes:
        return COPIES
    nodes = [program.nodes[index] for index in part.nodes]
    names = list(dict.fromkeys(node.operator for node in nodes))
    return f"{', '.join(names)} {list(nodes[-1].type.shape)}"


def _part(program: Program, nodes: tuple[int, ...], seconds: float) -> Part:
    ops = {program.nodes[index].op for index in nodes}
    family = next((name for op, name in _FAMILIES.items() if op in ops), COPIES)
    return Part(family, nodes, seconds, sum(node_operations(program.nodes[index]) for index in nodes))
