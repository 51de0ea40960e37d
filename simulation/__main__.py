"""Run the standard campaign, or only the sections that are named, and write tables and plots anew: ``python -m simulation [SECTION …]``."""

from __future__ import annotations

import sys
import time

from simulation import plots, results, tables


def main(names: list[str]) -> None:
    unknown = set(names) - set(results.SECTIONS)
    if unknown:
        raise SystemExit(f"unknown section {sorted(unknown)}; choose from {', '.join(results.SECTIONS)}")
    kept = results.read() if names else {}
    figures = {}
    for name in results.SECTIONS:
        if name in kept and name not in names:
            figures[name] = kept[name]
            continue
        started = time.perf_counter()
        figures[name] = results.section(name)
        print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    results.write(figures)
    tables.write(figures)
    plots.write(figures)
    print(f"wrote {results.FILE.parent} and the tables of {tables.PAGE}")


if __name__ == "__main__":
    main(sys.argv[1:])
