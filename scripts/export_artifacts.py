"""Write what the agents need of each compiled contract to agents/touchstone/chain/artifacts/<name>.json.

    python scripts/export_artifacts.py [COMPILED [OUT_DIR]]

COMPILED is the manifest that ``ape compile`` leaves in .build. An artifact holds the ABI, the creation code with zeros where the address of
a library belongs, and those places.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
COMPILED = CHECKOUT / ".build" / "__local__.json"
OUT = CHECKOUT / "agents" / "touchstone" / "chain" / "artifacts"
TEST_ONLY = "contracts/mocks/"
USED_ON_DEVNETS = frozenset({"TestToken"})


def export(compiled: Path, out: Path) -> list[str]:
    """Write an artifact for every contract of the project that has code, remove others, and return the names."""
    contracts = json.loads(compiled.read_text())["contractTypes"]
    chosen = {name: contract for name, contract in contracts.items() if _is_wanted(name, contract)}
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("*.json"):
        if stale.stem not in chosen:
            stale.unlink()
    for name, contract in chosen.items():
        (out / f"{name}.json").write_text(json.dumps(_artifact(contract), sort_keys=True) + "\n")
    return sorted(chosen)


def _is_wanted(name: str, contract: dict[str, Any]) -> bool:
    source = contract.get("sourceId") or ""
    if not source.startswith("contracts/") or (source.startswith(TEST_ONLY) and name not in USED_ON_DEVNETS):
        return False
    return len(_code(contract)) > 2


def _artifact(contract: dict[str, Any]) -> dict[str, Any]:
    links = [
        {"library": reference["name"], "offset": offset}
        for reference in (contract["deploymentBytecode"].get("linkReferences") or [])
        for offset in reference["offsets"]
    ]
    code = re.sub(r"__\$[0-9a-f]{34}\$__", "0" * 40, _code(contract))
    return {"abi": contract["abi"], "bytecode": code, "links": links}


def _code(contract: dict[str, Any]) -> str:
    return str((contract.get("deploymentBytecode") or {}).get("bytecode") or "")


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    if len(arguments) > 2:
        raise SystemExit(__doc__)
    names = export(*arguments, *(COMPILED, OUT)[len(arguments) :])
    print(f"{len(names)} artifacts: {', '.join(names)}")
