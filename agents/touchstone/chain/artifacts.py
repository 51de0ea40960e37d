"""Contract artifacts: ABI and bytecode, exported by ``make contracts`` into the folder ``artifacts`` beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from touchstone.chain.errors import DeploymentError

DIRECTORY = Path(__file__).with_name("artifacts")

Abi = list[dict[str, Any]]


@dataclass(frozen=True)
class Artifact:
    """A compiled contract; ``bytecode`` is the creation code without constructor arguments."""

    name: str
    abi: Abi
    bytecode: bytes

    @property
    def abi_hash(self) -> str:
        """SHA-256 of the ABI as canonical JSON: what a deployment refers to."""
        return hashlib.sha256(json.dumps(self.abi, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def constructor(self) -> Mapping[str, Any]:
        """The constructor's entry in the ABI."""
        return next((item for item in self.abi if item["type"] == "constructor"), {"type": "constructor", "inputs": []})


@cache
def load_artifact(name: str) -> Artifact:
    """The artifact of a contract. Raises DeploymentError when it was not exported."""
    path = DIRECTORY / f"{name}.json"
    try:
        content = json.loads(path.read_text())
        return Artifact(name, content["abi"], bytes.fromhex(content["bytecode"].removeprefix("0x")))
    except FileNotFoundError:
        raise DeploymentError(f"the artifact of {name} is missing ({path}); run `make contracts`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DeploymentError(f"the artifact {path} cannot be read ({type(error).__name__}); run `make contracts`") from error


def artifact_names() -> list[str]:
    """Names of all exported artifacts."""
    return sorted(path.stem for path in DIRECTORY.glob("*.json"))
