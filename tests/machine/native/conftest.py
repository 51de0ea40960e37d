from __future__ import annotations

import pytest

from touchstone.machine.runtime import instruction_sets


@pytest.fixture(params=instruction_sets())
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each instruction set this processor has, switched on for the test."""
    name: str = request.param
    monkeypatch.setenv("TOUCHSTONE_ISA", name)
    return name
