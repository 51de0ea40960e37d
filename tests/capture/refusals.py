"""What every refusal of capture is."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


def assert_one_line(error: Exception, *parts: str) -> None:
    text = str(error)
    assert isinstance(error, TouchstoneError)
    assert "\n" not in text and "; " in text, text
    for part in parts:
        assert part in text, text
