"""Packages: what is saved comes back, and nothing that was altered is accepted."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.agents.conftest import small_workload
from touchstone.commitment.roots import constants_root, program_root, state_root
from touchstone.errors import CorruptDataError, InvalidProgramError
from touchstone.machine.builder import Builder, Strides
from touchstone.machine.program import DType, Kind, MapFn, Ref, encode
from touchstone.machine.workload import Workload
from touchstone.store import Fetcher, LocalStore, Package, StoreServer, cid_of
from touchstone.store.errors import InvalidPackageError
from touchstone.store.package import MANIFEST, OWN_FILE_BYTES, PROGRAM, STATE, constants_name

FILES = [PROGRAM, STATE, constants_name(0)]


@pytest.fixture
def folder(tmp_path: Path, workload: Workload) -> Path:
    Package.from_workload(workload).save(tmp_path / "package")
    return tmp_path / "package"


def same(left: Workload, right: Workload) -> bool:
    arrays = zip([*left.state, *left.constants], [*right.state, *right.constants], strict=True)
    return (
        left.program == right.program
        and (left.slot_names, left.constant_names, left.steps, left.info)
        == (right.slot_names, right.constant_names, right.steps, right.info)
        and all(a.tobytes() == b.tobytes() and a.shape == b.shape and a.dtype == b.dtype for a, b in arrays)
    )


def test_a_saved_workload_loads_again_bit_for_bit(folder: Path, workload: Workload) -> None:
    package = Package.load(folder)
    assert same(package.workload, workload)
    assert package.program_root == program_root(workload.program)
    assert package.state_root == state_root(workload.state)
    assert package.constants_root == constants_root(workload.constants)


def test_the_same_workload_always_gives_the_same_identifier(workload: Workload) -> None:
    again = small_workload()
    assert Package.from_workload(workload).cid == Package.from_workload(again).cid
    assert Package.from_workload(small_workload(steps=11)).cid != Package.from_workload(workload).cid


def test_a_published_package_is_fetched_by_its_identifier_alone(store: LocalStore, workload: Workload) -> None:
    package = Package.from_workload(workload)
    cid = package.publish(store)
    assert cid == package.cid
    assert same(Package.fetch(cid, Fetcher(store, [])).workload, workload)
    assert store.resolve(package.state_root) == package.manifest.state.cid


def test_a_workload_without_constants_can_be_packaged(tmp_path: Path) -> None:
    workload = small_workload()
    slot = workload.program.slots[1]
    program = dataclasses.replace(
        workload.program,
        constants=(),
        slots=(workload.program.slots[0], dataclasses.replace(slot, next=Ref(Kind.SLOT, 1))),
        nodes=workload.program.nodes[:2],
    )
    bare = dataclasses.replace(workload, program=program, constant_names=(), constants=())
    Package.from_workload(bare).save(tmp_path)
    assert Package.load(tmp_path).constants_root == bytes(32)


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InvalidPackageError, match=f"{name} is missing"):
        Package.load(folder)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_bit_in_any_file_is_detected(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-3] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CorruptDataError, match=f"{name} is not the file the manifest names"):
        Package.load(folder)


def rewrite(folder: Path, **changes: object) -> None:
    """Change the manifest, keeping its canonical form."""
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    (folder / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, indent=2) + "\n")


@pytest.mark.parametrize("part", ["program", "state", "constants"])
def test_a_wrong_root_in_the_manifest_is_detected(folder: Path, part: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    rewrite(folder, **{part: {**manifest[part], "root": "0x" + "11" * 32}})
    with pytest.raises(CorruptDataError, match="has the root 0x"):
        Package.load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "touchstone-package-1"},
        {"steps": 1},
        {"steps": "10"},
        {"steps": 2**31},
        {"extra": 1},
        {"program": {"cid": "x", "bytes": 1}},
        {"info": [1]},
    ],
)
def test_a_manifest_of_another_form_is_refused(folder: Path, changes: dict[str, object]) -> None:
    rewrite(folder, **changes)
    with pytest.raises(InvalidPackageError, match="not a package manifest"):
        Package.load(folder)


def test_a_manifest_that_is_not_canonical_is_refused(folder: Path) -> None:
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("  ", "    "))
    with pytest.raises(InvalidPackageError, match="not in canonical form"):
        Package.load(folder)


def test_a_file_that_is_not_json_is_refused_in_one_line(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\x80\x04pickle")
    with pytest.raises(InvalidPackageError) as caught:
        Package.load(folder)
    assert "\n" not in str(caught.value)


def test_an_invalid_program_is_refused_even_if_all_hashes_are_right(folder: Path) -> None:
    workload = small_workload()
    slot = dataclasses.replace(workload.program.slots[1], next=Ref(Kind.NODE, 99))
    program = dataclasses.replace(workload.program, slots=(workload.program.slots[0], slot))
    data = encode(program)
    (folder / PROGRAM).write_bytes(data)
    rewrite(folder, program={"cid": cid_of(data), "bytes": len(data), "root": "0x" + program_root(program).hex()})
    with pytest.raises(InvalidProgramError):
        Package.load(folder)


def test_data_that_does_not_fit_the_program_is_refused(tmp_path: Path, workload: Workload) -> None:
    with pytest.raises(InvalidPackageError, match=r"slot 'param:weights' is float64\[600\], the program declares F32\[600\]"):
        Package.from_workload(dataclasses.replace(workload, state=(workload.state[0], workload.state[1].astype(np.float64))))
    with pytest.raises(InvalidPackageError, match="the program has 2 slots, the data 1 with 2 names"):
        Package.from_workload(dataclasses.replace(workload, state=workload.state[:1]))


def test_files_of_two_packages_cannot_be_mixed(tmp_path: Path, folder: Path) -> None:
    Package.from_workload(small_workload(elements=700)).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / STATE, folder)
    other = json.loads((tmp_path / "other" / MANIFEST).read_text())
    rewrite(folder, state=other["state"])
    with pytest.raises(InvalidPackageError, match=r"is float32\[700\], the program declares F32\[600\]"):
        Package.load(folder)


@pytest.mark.parametrize("info", [{"x": float("nan")}, {"x": object()}, {"x": "y" * 2_000_000}])
def test_info_that_is_not_plain_short_json_is_refused(workload: Workload, info: dict[str, object]) -> None:
    with pytest.raises(InvalidPackageError, match=r"info|too"):
        Package.from_workload(dataclasses.replace(workload, info=info))


def test_too_few_steps_are_refused(workload: Workload) -> None:
    with pytest.raises(InvalidPackageError, match="1 steps cannot be packaged"):
        Package.from_workload(dataclasses.replace(workload, steps=1))


def with_constants(*arrays: np.ndarray) -> Workload:
    """Adds the first element of each constant to a number."""
    builder = Builder()
    step, value = builder.slot(DType.I32, (1,)), builder.slot(DType.F32, (1,))
    total = value
    for array in arrays:
        constant = builder.constant(DType.F32, array.shape)
        total = builder.map(MapFn.ADD, total, Strides(constant, 0, (0,)), shape=(1,))
    builder.set_next(step, builder.map(MapFn.IADD, step, builder.fill(DType.I32, (1,), 1)))
    builder.set_next(value, total)
    names = tuple(f"c{index}" for index in range(len(arrays)))
    return Workload(builder.build(), ("step", "value"), (np.zeros(1, np.int32), np.zeros(1, np.float32)), names, arrays, 4)


LARGE = OWN_FILE_BYTES // 4


def test_large_constants_have_files_of_their_own_and_small_ones_share_one() -> None:
    sizes = [3, LARGE, 5, 6, LARGE + 1, 7]
    workload = with_constants(*(np.full(size, size, np.float32) for size in sizes))
    files = Package.from_workload(workload).manifest.constants.files
    assert [file.bytes >= OWN_FILE_BYTES for file in files] == [False, True, False, True, False]


def test_jobs_over_the_same_data_store_and_fetch_it_once(tmp_path: Path) -> None:
    data = np.arange(LARGE, dtype=np.float32)
    first, second = (Package.from_workload(with_constants(np.full(2, rate, np.float32), data)) for rate in (1, 2))
    source, mine = LocalStore(tmp_path / "source"), LocalStore(tmp_path / "mine")
    for package in (first, second):
        package.publish(source)
    assert source.total_bytes() < 1.5 * data.nbytes
    received: list[int] = []
    with StoreServer(source) as server:
        for package in (first, second):
            fetched = Package.fetch(package.cid, Fetcher(mine, [server.url]))
            assert same(fetched.workload, package.workload)
            received.append(mine.total_bytes())
    assert received[0] > data.nbytes and received[1] - received[0] < data.nbytes // 10
