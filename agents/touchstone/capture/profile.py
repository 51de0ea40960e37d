"""What a workload consists of, for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from touchstone.machine.program import MapFn, Node, Op, ReduceFn, SourceFn
from touchstone.machine.workload import Workload

_FUNCTIONS = {Op.MAP: MapFn, Op.REDUCE: ReduceFn, Op.SOURCE: SourceFn}


@dataclass(frozen=True)
class Profile:
    """Sizes of a workload. ``str()`` gives a table.

    Attributes:
        steps: how many steps the job runs.
        nodes: number of nodes of each operator, e.g. ``{"map mul": 40, "dot": 8}``, most frequent first.
        slots: number of tensors of the state.
        state_bytes: their size.
        constants: number of constant tensors.
        constant_bytes: their size.
        largest_output: bytes of the largest node output.
    """

    steps: int
    nodes: dict[str, int]
    slots: int
    state_bytes: int
    constants: int
    constant_bytes: int
    largest_output: int

    @property
    def node_count(self) -> int:
        """Number of nodes of one step."""
        return sum(self.nodes.values())

    def __str__(self) -> str:
        lines = [
            f"{self.steps} steps of {self.node_count} nodes; largest node output {self.largest_output:,} bytes",
            f"state: {self.slots} tensors, {self.state_bytes:,} bytes; constants: {self.constants} tensors, {self.constant_bytes:,} bytes",
        ]
        return "\n".join(lines + [f"{count:6}  {name}" for name, count in self.nodes.items()])


def inspect(workload: Workload) -> Profile:
    """Count and measure the parts of a workload."""
    program = workload.program
    counts = Counter(_operator_name(node) for node in program.nodes)
    return Profile(
        steps=workload.steps,
        nodes=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        slots=len(program.slots),
        state_bytes=sum(array.nbytes for array in workload.state),
        constants=len(program.constants),
        constant_bytes=sum(array.nbytes for array in workload.constants),
        largest_output=max((4 * node.type.size for node in program.nodes), default=0),
    )


def _operator_name(node: Node) -> str:
    functions = _FUNCTIONS.get(node.op)
    name = node.op.name.lower()
    return name if functions is None else f"{name} {functions(node.fn).name.lower()}"
