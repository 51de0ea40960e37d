"""The witnesses show what they are there for."""

from __future__ import annotations

import pytest

from tests.machine.witnesses import CONSTANTS, coefficients, shows, witnessed, witnesses
from touchstone.machine.program import MapFn


@pytest.mark.parametrize("fn", list(CONSTANTS), ids=lambda fn: fn.name)
def test_every_constant_of_a_sequence_has_a_witness(fn: MapFn) -> None:
    assert sorted((name, place) for name, place, _ in witnessed(fn)) == sorted(coefficients(fn))
    words = witnesses(fn)
    for change in witnessed(fn):
        assert len(shows(fn, change, words)), change
