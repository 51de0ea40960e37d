"""The frozen vectors are what the reference computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.frozen import vectors

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
REMEDY = "if the specification changed, run scripts/generate_vectors.py; otherwise the reference is wrong"


@pytest.fixture(scope="module")
def regenerated() -> dict[str, str]:
    return {str(path): text for path, text in vectors()}


def test_regenerating_the_vectors_gives_the_frozen_files(regenerated: dict[str, str]) -> None:
    for path, text in regenerated.items():
        assert (FOLDER / path).read_text() == text, f"{path} differs; {REMEDY}"


def test_every_frozen_file_is_regenerated(regenerated: dict[str, str]) -> None:
    frozen = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json")}
    assert frozen == set(regenerated)


def test_the_vectors_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.json")) < 3_000_000
