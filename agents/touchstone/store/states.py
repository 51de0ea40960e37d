"""Checkpoints in a store: a state is kept as one tensor file of its slots, and found by its state root.

The blob of a state is the tensor file (:mod:`touchstone.store.tensors`) of the slots in slot order under the package's slot names, so the
blob of a job's final state is at once its downloadable result.
"""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.commitment.roots import state_root
from touchstone.errors import CorruptDataError
from touchstone.machine.program import Program
from touchstone.machine.workload import NUMPY_DTYPE, Array
from touchstone.store.cid import Cid
from touchstone.store.local import LocalStore
from touchstone.store.tensors import TensorFile, pack_parts, unpack


def put_state(store: LocalStore, names: Sequence[str], state: Sequence[Array], root: bytes) -> Cid:
    """Store a state and link it to its root, which the caller has computed. Returns the blob's identifier."""
    cid = store.put_parts(pack_parts(names, state))
    store.link(root, cid)
    return cid


def state_file(names: Sequence[str], program: Program) -> TensorFile:
    """An empty file for the slots of a program."""
    return TensorFile(names, [(NUMPY_DTYPE[slot.type.dtype], slot.type.shape) for slot in program.slots])


def root_of_blob(data: bytes) -> bytes:
    """State root of the tensors in a blob, in their order. Raises InvalidTensorFileError."""
    _, arrays = unpack(data)
    return state_root(arrays)


def read_state(data: bytes, program: Program, root: bytes) -> list[Array]:
    """The slots in a blob, checked against the program's declarations and the state root.

    Raises:
        InvalidTensorFileError: ``data`` is not a tensor file.
        CorruptDataError: its tensors are not this state of this program.
    """
    _, arrays = unpack(data)
    declared = [(NUMPY_DTYPE[slot.type.dtype], slot.type.shape) for slot in program.slots]
    if [(array.dtype, array.shape) for array in arrays] != declared:
        raise CorruptDataError("the tensors of the blob are not the slots of the program; ask another store")
    actual = state_root(arrays)
    if actual != root:
        raise CorruptDataError(f"the blob holds the state 0x{actual.hex()}, not 0x{root.hex()}; ask another store")
    return list(arrays)
