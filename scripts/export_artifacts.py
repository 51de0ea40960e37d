"""Write what the agents need of each compiled contract to agents/touchstone/chain/artifacts/<name>.json.

    python scripts/export_artifacts.py [COMPILED [OUT_DIR]]

COMPILED is the manifest that ``ape compile`` leaves in .build. An artifact holds the ABI and the creation code. Libraries are exported
too: their ABIs name the errors they revert with.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
COMPILED = CHECKOUT / ".build" / "__local__.json"
OUT = CHECKOUT / "agents" / "touchstone" / "chain" / "artifacts"
NOT_OURS = ("contracts/mocks/", "contracts/.cache/")
USED_ON_DEVNETS = frozenset({"TestToken"})
LIBRARY_PLACEHOLDER = "__$"


def export(compiled: Path, out: Path) -> list[str]:
    """Write an artifact for every contract of the project that has code, remove others, and return the names."""
    contracts = json.loads(compiled.read_text())["contractTypes"]
    chosen = {name: contract for name, contract in contracts.items() if _is_wanted(name, contract)}
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("*.json"):
        if stale.stem not in chosen:
            stale.unlink()
    for name, contract in chosen.items():
        _write_if_changed(out / f"{name}.json", json.dumps(_artifact(name, contract), sort_keys=True) + "\n")
    return sorted(chosen)


def _is_wanted(name: str, contract: dict[str, Any]) -> bool:
    source = contract.get("sourceId") or ""
    if not source.startswith("contracts/") or (source.startswith(NOT_OURS) and name not in USED_ON_DEVNETS):
        return False
    return len(_code(contract)) > 2


def _artifact(name: str, contract: dict[str, Any]) -> dict[str, Any]:
    code = _code(contract)
    if LIBRARY_PLACEHOLDER in code:
        raise SystemExit(f"{name} calls a library with public functions, which would have to be deployed and linked; make them internal")
    return {"abi": contract["abi"], "bytecode": code}


def _code(contract: dict[str, Any]) -> str:
    return str((contract.get("deploymentBytecode") or {}).get("bytecode") or "")


def _write_if_changed(path: Path, text: str) -> None:
    """Leave a file alone that is right already: another process may be reading it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    if len(arguments) > 2:
        raise SystemExit(__doc__)
    names = export(*arguments, *(COMPILED, OUT)[len(arguments) :])
    print(f"{len(names)} artifacts: {', '.join(names)}")
