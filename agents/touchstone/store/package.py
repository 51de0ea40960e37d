"""Packages: a workload as a folder that anybody can check.

A folder holds ``program.bin`` (the canonical bytes of the program), ``state.safetensors`` and ``constants-0.safetensors``, … (tensor files)
and ``job.json``, the manifest, which names the other files by identifier, size and Merkle root. The manifest's own identifier is the
package's. Large constants have files of their own, so jobs over the same data share its file. Nothing in a package is code, and nothing is
unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from touchstone.commitment.roots import constants_root, program_root, state_root
from touchstone.errors import CorruptDataError
from touchstone.machine.program import TensorType, decode, encode
from touchstone.machine.validity import check
from touchstone.machine.workload import NUMPY_DTYPE, Array, Workload
from touchstone.store.cid import Cid, cid_of
from touchstone.store.errors import InvalidPackageError
from touchstone.store.fetch import Fetcher, Progress
from touchstone.store.local import LocalStore
from touchstone.store.manifest import MAX_MANIFEST_BYTES, Constants, File, Manifest, Part, make_manifest, parse_manifest
from touchstone.store.tensors import pack, unpack

MANIFEST = "job.json"
PROGRAM, STATE = "program.bin", "state.safetensors"
OWN_FILE_BYTES = 1 << 16
"""A constant of at least this size has a file of its own, so that packages which share it share the file."""


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
        program, state = encode(workload.program), pack(workload.slot_names, workload.state)
        files = [File(cid=cid_of(data), bytes=len(data)) for data in _constants_files(workload)]
        manifest = make_manifest(
            program=Part(cid=cid_of(program), bytes=len(program), root=_hex(program_root(workload.program))),
            state=Part(cid=cid_of(state), bytes=len(state), root=_hex(state_root(workload.state))),
            constants=Constants(files=files, root=_hex(constants_root(workload.constants))),
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
        manifest = parse_manifest(_read(base / MANIFEST), str(base / MANIFEST))
        return _assemble(manifest, lambda name, _file: _read(base / name))

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

        def get(_name: str, file: File) -> bytes:
            nonlocal done
            before = done
            tell = None if progress is None else (lambda received, _total: progress(before + received, manifest.total_bytes))
            data = fetcher.get(file.cid, file.bytes, tell)
            done += len(data)
            return data

        package = _assemble(manifest, get)
        fetcher.store.link(package.state_root, Cid(manifest.state.cid))
        return package

    def save(self, folder: Path | str) -> None:
        """Write the package's files into a folder, the manifest last."""
        base = Path(folder)
        base.mkdir(parents=True, exist_ok=True)
        for name, data in self._files():
            (base / name).write_bytes(data)
        (base / MANIFEST).write_bytes(self.manifest.encode())

    def publish(self, store: LocalStore) -> Cid:
        """Put the package's files into a store, with the initial state under its root, and return the package's identifier."""
        for _, data in self._files():
            store.put(data)
        store.link(self.state_root, Cid(self.manifest.state.cid))
        return store.put(self.manifest.encode())

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each file but the manifest."""
        yield PROGRAM, encode(self.workload.program)
        yield STATE, pack(self.workload.slot_names, self.workload.state)
        for index, data in enumerate(_constants_files(self.workload)):
            yield constants_name(index), data

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
    return parse_manifest(fetcher.get(cid, MAX_MANIFEST_BYTES), cid)


def constants_name(index: int) -> str:
    """Name of a file of constants in a folder."""
    return f"constants-{index}.safetensors"


def _assemble(manifest: Manifest, get: Callable[[str, File], bytes]) -> Package:
    """Decode and check the parts that ``get`` returns, given a file's name and entry."""
    program = decode(_checked(manifest.program, get(PROGRAM, manifest.program), PROGRAM))
    check(program)
    slot_names, state = unpack(_checked(manifest.state, get(STATE, manifest.state), STATE))
    constant_names: tuple[str, ...] = ()
    constants: tuple[Array, ...] = ()
    for index, file in enumerate(manifest.constants.files):
        name = constants_name(index)
        more_names, more = unpack(_checked(file, get(name, file), name))
        constant_names, constants = constant_names + more_names, constants + more
    workload = Workload(program, slot_names, state, constant_names, constants, manifest.steps, dict(manifest.info))
    _check_fit(workload)
    _check_root(manifest.program.root, program_root(program), PROGRAM)
    _check_root(manifest.state.root, state_root(state), STATE)
    _check_root(manifest.constants.root, constants_root(constants), "constants")
    return Package(manifest, workload)


def _checked(file: File, data: bytes, name: str) -> bytes:
    if len(data) != file.bytes or cid_of(data) != file.cid:
        raise CorruptDataError(f"{name} is not the file the manifest names ({file.cid}); restore it or package the job again")
    return data


def _check_root(wanted: str, root: bytes, name: str) -> None:
    if _hex(root) != wanted:
        raise CorruptDataError(f"{name} has the root {_hex(root)}, the manifest says {wanted}; package the job again")


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


def _constants_files(workload: Workload) -> Iterator[bytes]:
    """The tensor files of the constants, in order: one for each large constant, one for each run of others."""
    names: list[str] = []
    arrays: list[Array] = []
    for name, array in zip(workload.constant_names, workload.constants, strict=True):
        if array.nbytes < OWN_FILE_BYTES:
            names.append(name)
            arrays.append(array)
            continue
        if names:
            yield pack(names, arrays)
            names, arrays = [], []
        yield pack([name], [array])
    if names:
        yield pack(names, arrays)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidPackageError(f"{path} is missing; name the folder of a package") from None
    except OSError as error:
        raise InvalidPackageError(f"{path} cannot be read ({error.strerror}); name the folder of a package") from error


def _hex(root: bytes) -> str:
    return "0x" + root.hex()
