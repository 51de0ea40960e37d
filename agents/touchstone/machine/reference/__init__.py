"""The reference machine: docs/specification/machine.md as code, slow and obvious. It shares nothing with the native runtime."""

from touchstone.machine.reference.elements import element, element_from_reads
from touchstone.machine.reference.reads import Read, Words, reads

__all__ = ["Read", "Words", "element", "element_from_reads", "reads"]
