"""What a workload consists of, for people. Free of torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from touchstone.machine.cost import Cost, cost
from touchstone.machine.workload import Workload


@dataclass(frozen=True)
class Profile:
    """What a workload consists of and costs. ``str()`` gives a table.

    Attributes:
        steps: how many steps the job runs.
        nodes: number of nodes of each operator, e.g. ``{"map mul": 40, "dot": 8}``, most frequent first.
        slots: number of tensors of the state.
        constants: number of constant tensors.
        largest_output: bytes of the largest node output.
        cost: operations and bytes of one step.
    """

    steps: int
    nodes: dict[str, int]
    slots: int
    constants: int
    largest_output: int
    cost: Cost

    @property
    def node_count(self) -> int:
        """Number of nodes of one step."""
        return sum(self.nodes.values())

    def figures(self) -> dict[str, object]:
        """The profile as JSON values."""
        return {
            "steps": self.steps,
            "nodes": self.node_count,
            "operations_per_step": self.cost.operations,
            "operations": self.cost.operations * self.steps,
            "bytes_moved_per_step": self.cost.bytes_moved,
            "peak_memory_bytes": self.cost.peak_memory,
            "state_bytes": self.cost.state_bytes,
            "constant_bytes": self.cost.constant_bytes,
            "largest_output_bytes": self.largest_output,
            "operators": self.nodes,
        }

    def __str__(self) -> str:
        lines = [
            f"{self.steps} steps of {self.node_count} nodes, {self.cost.operations:,} operations each",
            f"state: {self.slots} tensors, {self.cost.state_bytes:,} bytes",
            f"constants: {self.constants} tensors, {self.cost.constant_bytes:,} bytes",
            f"memory: at most {self.cost.peak_memory:,} bytes; largest node output: {self.largest_output:,} bytes",
        ]
        return "\n".join(lines + [f"{count:6}  {name}" for name, count in self.nodes.items()])


def inspect(workload: Workload) -> Profile:
    """Count and measure the parts of a workload."""
    program = workload.program
    counts = Counter(node.operator for node in program.nodes)
    return Profile(
        steps=workload.steps,
        nodes=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        slots=len(program.slots),
        constants=len(program.constants),
        largest_output=max((4 * node.type.size for node in program.nodes), default=0),
        cost=cost(program),
    )
