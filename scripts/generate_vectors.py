"""Writes tests/vectors/ anew. Run it only when docs/specification/machine.md changes: python scripts/generate_vectors.py"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.machine.frozen import vectors

    for path, text in vectors():
        target = ROOT / "tests" / "vectors" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    main()
