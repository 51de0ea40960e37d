"""The manifest of a package, ``job.json``: names its other files by identifier, size and Merkle root."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.store.errors import InvalidPackageError

MAX_MANIFEST_BYTES = 1 << 20
MIN_STEPS = 2

_Root = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class File(_Model):
    """One file of a package: content identifier, length in bytes."""

    cid: str
    bytes: Annotated[int, Field(ge=0)]


class Part(File):
    """A file with the Merkle root (0x…) of what it holds."""

    root: _Root


class Constants(_Model):
    """The constants' root, and the files that hold them one after the other."""

    files: list[File]
    root: _Root


class Manifest(_Model):
    """Contents of ``job.json``. ``info`` holds facts for people; nothing depends on it."""

    format: Literal["touchstone-package-2"] = "touchstone-package-2"
    program: Part
    state: Part
    constants: Constants
    steps: Annotated[int, Field(ge=MIN_STEPS, lt=2**31)]
    info: dict[str, object] = {}

    def encode(self) -> bytes:
        """Canonical bytes: sorted keys, two spaces, ASCII, a newline at the end."""
        return (json.dumps(self.model_dump(), sort_keys=True, indent=2, allow_nan=False) + "\n").encode("ascii")

    @property
    def total_bytes(self) -> int:
        """Bytes of all files together."""
        return len(self.encode()) + self.program.bytes + self.state.bytes + sum(file.bytes for file in self.constants.files)


def parse_manifest(data: bytes, where: str) -> Manifest:
    """A manifest from its bytes, which ``where`` names. Raises InvalidPackageError unless they are in canonical form."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InvalidPackageError(f"{where} is not a package manifest ({place}: {first['msg']}); package the job again") from error
    if manifest.encode() != data:
        raise InvalidPackageError(f"{where} is not in canonical form; package the job again")
    return manifest


def make_manifest(program: Part, state: Part, constants: Constants, steps: int, info: dict[str, object]) -> Manifest:
    """The manifest of a workload's parts. Raises InvalidPackageError when steps or info cannot be packaged."""
    try:
        manifest = Manifest(program=program, state=state, constants=constants, steps=steps, info=dict(info))
        length = len(manifest.encode())
    except ValidationError as error:
        raise InvalidPackageError(f"{steps} steps cannot be packaged; a job runs {MIN_STEPS} to 2^31 - 1 steps") from error
    except (TypeError, ValueError) as error:
        raise InvalidPackageError(f"the workload's info is not JSON ({error}); keep to texts, numbers, lists and objects") from error
    if length > MAX_MANIFEST_BYTES:
        raise InvalidPackageError(f"the manifest has {length} bytes, more than {MAX_MANIFEST_BYTES}; shorten the workload's info")
    return manifest
