"""Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 70,000 grey images of clothes, 28×28, in ten classes.

``python -m scripts.fashion_mnist`` provides it in ``.data/`` and needs no rights: from Debian's package where there is apt, else from the
authors' own server. Whatever the source, the files are taken only if their bytes are the published ones.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import requests

from touchstone.errors import TouchstoneError

FOLDER = Path(__file__).parents[1] / ".data" / "fashion-mnist"
PACKAGE = "dataset-fashion-mnist"
SERVER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

# SHA-256 of the files once unpacked: every distributor compresses them anew.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_HEADERS = {"images": 16, "labels": 8}  # bytes before the numbers of an IDX file

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class MissingDataError(TouchstoneError, FileNotFoundError):
    """A data set is not on this machine and cannot be downloaded."""


class DamagedDataError(TouchstoneError, ValueError):
    """A data set's file does not have the published bytes."""


def load(split: str = "train", folder: Path = FOLDER) -> tuple[Images, Labels]:
    """Images as float32 [n, 1, 28, 28] in 0..1, and classes as int64 [n]; ``split`` is ``train`` (60,000) or ``test`` (10,000).

    Raises:
        MissingDataError: the files are not there.
        DamagedDataError: a file is not what was published.
    """
    prefix = {"train": "train", "test": "t10k"}[split]
    images = _numbers(folder / f"{prefix}-images-idx3-ubyte").reshape(-1, 1, 28, 28)
    return images.astype(np.float32) / np.float32(255), _numbers(folder / f"{prefix}-labels-idx1-ubyte").astype(np.int64)


def _numbers(path: Path) -> npt.NDArray[np.uint8]:
    if not path.exists():
        raise MissingDataError(f"Fashion-MNIST's {path.name} is not in {path.parent}; run: python -m scripts.fashion_mnist")
    data = path.read_bytes()
    _check(path.name, data)
    kind = "images" if "images" in path.name else "labels"
    return np.frombuffer(data, dtype=np.uint8, offset=_HEADERS[kind])


def _check(name: str, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != FILES[name]:
        raise DamagedDataError(f"{name} has {len(data)} bytes, not the published ones; delete it and run: python -m scripts.fashion_mnist")


def provide(folder: Path = FOLDER) -> None:
    """Put the files into ``folder``.

    Raises:
        MissingDataError: no source can be reached.
        DamagedDataError: a source has other files.
    """
    if all((folder / name).exists() for name in FILES):
        return
    with tempfile.TemporaryDirectory() as directory:
        packed = _from_debian(Path(directory)) or _from_server(Path(directory))
        for name in FILES:
            data = gzip.decompress((packed / f"{name}.gz").read_bytes())
            _check(name, data)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def _from_debian(directory: Path) -> Path | None:
    """The folder of the package's files, or None where apt is missing or does not know it."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    own = [f"-oDir::State::Lists={directory}/lists", f"-oDir::Cache={directory}/cache", "-oAPT::Sandbox::User="]
    (directory / "lists" / "partial").mkdir(parents=True)
    # With the system's package lists if it has any, else with lists of our own, which needs no rights either.
    if not (_runs(directory, "apt-get", "download", PACKAGE) or _with_own_lists(directory, own)):
        return None
    (package,) = directory.glob("*.deb")
    return directory / "usr/share/datasets/fashion-mnist" if _runs(directory, "dpkg-deb", "-x", package.name, ".") else None


def _with_own_lists(directory: Path, own: list[str]) -> bool:
    return _runs(directory, "apt-get", *own, "update") and _runs(directory, "apt-get", *own, "download", PACKAGE)


def _runs(directory: Path, *command: str) -> bool:
    try:
        return subprocess.run(command, cwd=directory, capture_output=True, timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _from_server(directory: Path) -> Path:
    for name in FILES:
        try:
            answer = requests.get(f"{SERVER}{name}.gz", timeout=60)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise MissingDataError(
                f"Fashion-MNIST cannot be downloaded from {SERVER} ({type(error).__name__}) nor as Debian's {PACKAGE}; "
                f"put its four files, unpacked, into {FOLDER}"
            ) from error
        (directory / f"{name}.gz").write_bytes(answer.content)
    return directory


if __name__ == "__main__":
    try:
        provide()
    except TouchstoneError as refusal:
        raise SystemExit(str(refusal)) from None
    print(f"Fashion-MNIST is in {FOLDER}")
