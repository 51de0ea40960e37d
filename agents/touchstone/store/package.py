"""Packages: a workload as a folder that anybody can check.

A folder holds ``program.bin`` (the canonical bytes of the program), ``state.safetensors`` and ``constants.safetensors`` (tensor files) and
``job.json``, the manifest, which names the other files by identifier, size and Merkle root. The manifest's own identifier is the package's.
Nothing in a package is code, and nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.commitment.roots import constants_root, program_root, state_root
from touchstone.errors import CorruptDataError
from touchstone.machine.program import TensorType, decode, encode
from touchstone.machine.validity import check
from touchstone.machine.workload import NUMPY_DTYPE, Array, Workload
from touchstone.store.cid import Cid, cid_of
from touchstone.store.errors import InvalidPackageError
from touchstone.store.fetch import Fetcher, Progress
from touchstone.store.local import LocalStore
from touchstone.store.tensors import pack, unpack

MANIFEST = "job.json"
FILES = {"program": "program.bin", "state": "state.safetensors", "constants": "constants.safetensors"}
MAX_MANIFEST_BYTES = 1 << 20
MIN_STEPS = 2

_Root = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


class Part(BaseModel):
    """One file of a package: content identifier, length in bytes, Merkle root (0x…)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cid: str
    bytes: Annotated[int, Field(ge=0)]
    root: _Root


class Manifest(BaseModel):
    """Contents of ``job.json``. ``info`` holds facts for people; nothing depends on it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal["touchstone-package-1"] = "touchstone-package-1"
    program: Part
    state: Part
    constants: Part
    steps: Annotated[int, Field(ge=MIN_STEPS, lt=2**31)]
    info: dict[str, object] = {}

    def encode(self) -> bytes:
        """Canonical bytes: sorted keys, two spaces, ASCII, a newline at the end."""
        return (json.dumps(self.model_dump(), sort_keys=True, indent=2, allow_nan=False) + "\n").encode("ascii")

    @property
    def total_bytes(self) -> int:
        """Bytes of all files together."""
        return len(self.encode()) + self.program.bytes + self.state.bytes + self.constants.bytes


@dataclass(frozen=True)
class Package:
    """A checked workload with its manifest: the files decode, hash to the roots, fit the program, and the program is valid."""

    manifest: Manifest
    workload: Workload

    @classmethod
    def from_workload(cls, workload: Workload) -> Package:
        """The package of a workload.

        Raises:
            InvalidProgramError: the program is not valid.
            InvalidPackageError: names, shapes, dtypes or the number of steps do not fit the program.
        """
        _check_fit(workload)
        check(workload.program)
        files = _encode_files(workload)
        manifest = _manifest(
            program=Part(cid=cid_of(files["program"]), bytes=len(files["program"]), root=_hex(program_root(workload.program))),
            state=Part(cid=cid_of(files["state"]), bytes=len(files["state"]), root=_hex(state_root(workload.state))),
            constants=Part(cid=cid_of(files["constants"]), bytes=len(files["constants"]), root=_hex(constants_root(workload.constants))),
            steps=workload.steps,
            info=workload.info,
        )
        return cls(manifest, workload)

    @classmethod
    def load(cls, folder: Path | str) -> Package:
        """Read and check a folder.

        Raises:
            InvalidPackageError: a file is missing, or the parts do not fit together.
            CorruptDataError: a file does not hash to what the manifest says.
            InvalidProgramError: the program is not valid.
        """
        base = Path(folder)
        manifest = _parse_manifest(_read(base / MANIFEST), str(base / MANIFEST))
        return _assemble(manifest, lambda name: _read(base / FILES[name]))

    @classmethod
    def fetch(cls, cid: str, fetcher: Fetcher, max_bytes: int | None = None, progress: Progress | None = None) -> Package:
        """Fetch and check a package by its identifier; afterwards the fetcher's local store holds and serves it.

        ``max_bytes`` bounds all files together; ``progress`` is called with the bytes received of all files. Raises as :meth:`load` and
        :meth:`Fetcher.fetch`.
        """
        manifest = fetch_manifest(cid, fetcher)
        if max_bytes is not None and manifest.total_bytes > max_bytes:
            raise InvalidPackageError(
                f"the package has {manifest.total_bytes} bytes, more than the {max_bytes} allowed; raise the limit or skip the job"
            )
        done = 0

        def get(name: str) -> bytes:
            nonlocal done
            part: Part = getattr(manifest, name)
            before = done
            tell = None if progress is None else (lambda received, _total: progress(before + received, manifest.total_bytes))
            data = fetcher.get(part.cid, part.bytes, tell)
            done += len(data)
            return data

        package = _assemble(manifest, get)
        fetcher.store.link(package.state_root, Cid(manifest.state.cid))
        return package

    def save(self, folder: Path | str) -> None:
        """Write the package's files into a folder, the manifest last."""
        base = Path(folder)
        base.mkdir(parents=True, exist_ok=True)
        for name, data in _encode_files(self.workload).items():
            (base / FILES[name]).write_bytes(data)
        (base / MANIFEST).write_bytes(self.manifest.encode())

    def publish(self, store: LocalStore) -> Cid:
        """Put the package's files into a store, with the initial state under its root, and return the package's identifier."""
        for name, data in _encode_files(self.workload).items():
            cid = store.put(data)
            if name == "state":
                store.link(self.state_root, cid)
        return store.put(self.manifest.encode())

    @cached_property
    def cid(self) -> Cid:
        """The package's identifier."""
        return cid_of(self.manifest.encode())

    @property
    def program_root(self) -> bytes:
        """Root of the program's records."""
        return bytes.fromhex(self.manifest.program.root[2:])

    @property
    def state_root(self) -> bytes:
        """Root of the initial state."""
        return bytes.fromhex(self.manifest.state.root[2:])

    @property
    def constants_root(self) -> bytes:
        """Root of the constants."""
        return bytes.fromhex(self.manifest.constants.root[2:])


def fetch_manifest(cid: str, fetcher: Fetcher) -> Manifest:
    """The manifest of a package, without its files. Raises InvalidPackageError and as :meth:`Fetcher.fetch`."""
    return _parse_manifest(fetcher.get(cid, MAX_MANIFEST_BYTES), cid)


def _parse_manifest(data: bytes, where: str) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InvalidPackageError(f"{where} is not a package manifest ({place}: {first['msg']}); package the job again") from error
    if manifest.encode() != data:
        raise InvalidPackageError(f"{where} is not in canonical form; package the job again")
    return manifest


def _manifest(program: Part, state: Part, constants: Part, steps: int, info: dict[str, object]) -> Manifest:
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


def _assemble(manifest: Manifest, get: Callable[[str], bytes]) -> Package:
    """Decode and check the parts that ``get`` returns."""
    program_bytes = _checked(manifest.program, get("program"), FILES["program"])
    program = decode(program_bytes)
    check(program)
    slot_names, state = unpack(_checked(manifest.state, get("state"), FILES["state"]))
    constant_names, constants = unpack(_checked(manifest.constants, get("constants"), FILES["constants"]))
    workload = Workload(program, slot_names, state, constant_names, constants, manifest.steps, dict(manifest.info))
    _check_fit(workload)
    _check_root(manifest.program, program_root(program), FILES["program"])
    _check_root(manifest.state, state_root(state), FILES["state"])
    _check_root(manifest.constants, constants_root(constants), FILES["constants"])
    return Package(manifest, workload)


def _checked(part: Part, data: bytes, name: str) -> bytes:
    if len(data) != part.bytes or cid_of(data) != part.cid:
        raise CorruptDataError(f"{name} is not the file the manifest names ({part.cid}); restore it or package the job again")
    return data


def _check_root(part: Part, root: bytes, name: str) -> None:
    if _hex(root) != part.root:
        raise CorruptDataError(f"{name} has the root {_hex(root)}, the manifest says {part.root}; package the job again")


def _check_fit(workload: Workload) -> None:
    program = workload.program
    _check_tensors("slot", [slot.type for slot in program.slots], workload.slot_names, workload.state)
    _check_tensors("constant", list(program.constants), workload.constant_names, workload.constants)


def _check_tensors(kind: str, declared: Sequence[TensorType], names: Sequence[str], arrays: Sequence[Array]) -> None:
    if not len(declared) == len(names) == len(arrays):
        raise InvalidPackageError(
            f"the program has {len(declared)} {kind}s, the data {len(arrays)} with {len(names)} names; package the job again"
        )
    for tensor, name, array in zip(declared, names, arrays, strict=True):
        if array.dtype != NUMPY_DTYPE[tensor.dtype] or array.shape != tensor.shape:
            found, wanted = f"{array.dtype}{list(array.shape)}", f"{tensor.dtype.name}{list(tensor.shape)}"
            raise InvalidPackageError(f"{kind} {name!r} is {found}, the program declares {wanted}; package the job again")


def _encode_files(workload: Workload) -> dict[str, bytes]:
    return {
        "program": encode(workload.program),
        "state": pack(workload.slot_names, workload.state),
        "constants": pack(workload.constant_names, workload.constants),
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidPackageError(f"{path} is missing; name the folder of a package") from None
    except OSError as error:
        raise InvalidPackageError(f"{path} cannot be read ({error.strerror}); name the folder of a package") from error


def _hex(root: bytes) -> str:
    return "0x" + root.hex()
