"""The court's events of a dispute, as the dispute player reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from touchstone.chain.contracts import Event
from touchstone.dispute.board import Board, follow
from touchstone.roles.ledger import DisputeRecord


def board_of(dispute: DisputeRecord) -> Board:
    """Where a dispute stands. Raises WrongEventError when its events do not fit together."""
    return follow((event.name, arguments(event)) for event in dispute.events)


def arguments(event: Event) -> Mapping[str, object]:
    """The event's values with structs as mappings."""
    return {name: _plain(value) for name, value in event.values.items()}


def _plain(value: Any) -> object:
    if hasattr(value, "_asdict"):
        return {name: _plain(field) for name, field in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
