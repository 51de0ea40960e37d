"""The reference machine: docs/specification/machine.md as code, slow and obvious. It shares nothing with the native runtime."""

from touchstone.machine.reference.elements import element, element_from_reads
from touchstone.machine.reference.machine import ReferenceMachine
from touchstone.machine.reference.reads import Read, Words, reads
from touchstone.machine.reference.vector_nodes import evaluate

__all__ = ["Read", "ReferenceMachine", "Words", "element", "element_from_reads", "evaluate", "reads"]
