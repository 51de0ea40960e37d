"""Errors of the dispute game."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


class MoveRefusedError(TouchstoneError, ValueError):
    """The court refuses a move. ``name`` and ``values`` are those of the contract's error."""

    def __init__(self, name: str, *values: object) -> None:
        self.name = name
        self.values = values
        shown = ", ".join(f"0x{value.hex()}" if isinstance(value, bytes) else str(value) for value in values)
        super().__init__(f"the court refuses the move: {name}({shown}); make another one")


class NothingToDenyError(TouchstoneError, RuntimeError):
    """The opponent's last posting agrees with one's own replay, so there is no honest move."""


class WrongEventError(TouchstoneError, ValueError):
    """An event does not continue the dispute that is followed."""
