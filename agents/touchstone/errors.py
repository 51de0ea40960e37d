"""The errors Touchstone raises.

Every error inherits :class:`TouchstoneError` and, where one exists, the builtin it specialises. ``str(error)`` is one line: what was
wrong, with which value, and after a semicolon what to do next. The command line prints that line and exits with ``exit_code``.
"""

from __future__ import annotations


class TouchstoneError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code: int = 1


class InvalidProgramError(TouchstoneError, ValueError):
    """A program breaks a validity rule of docs/specification/machine.md, section 2.2."""


class CorruptDataError(TouchstoneError, ValueError):
    """Bytes do not hash to the root or identifier they were fetched by."""
