"""Compile the native runtime: ``python -m touchstone.machine.native.build``, or through ``pip install`` and ``make native``.

Only the standard library is used, because it runs before anything is installed. ``CXX`` names the compiler (g++ or clang++);
``CXXFLAGS`` and ``LDFLAGS`` are added at the end.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
LIBRARY_NAME = "libtouchstone.so"

# Contraction and reassociation would change bits; errno and traps would only cost time.
_EXACT = ["-ffp-contract=off", "-fno-fast-math", "-fno-math-errno", "-fno-trapping-math"]
_WARNINGS = ["-Wall", "-Wextra", "-Wno-psabi", "-Wno-ignored-attributes", "-Wno-maybe-uninitialized", "-Wno-unknown-warning-option"]
_FLAGS = ["-std=c++20", "-O3", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-strict-aliasing", *_EXACT, *_WARNINGS]
_KERNEL_FLAGS = ["-fno-exceptions", "-fno-rtti"]

# Compiled once per instruction set, into a namespace of its own.
_KERNELS = ("elementwise", "gemm", "reduce", "sha256_lanes", "table", "transpose", "windows")
_AVX2 = ["-mavx2", "-mfma", "-mbmi2"]
_AVX512 = [*_AVX2, "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mprefer-vector-width=512"]
_X86_LEVELS = {"base": [], "avx2": _AVX2, "avx512": _AVX512}


class CompilerError(RuntimeError):
    """There is no C++20 compiler, or it failed."""


def build(target: Path = HERE / LIBRARY_NAME) -> Path:
    """Compile the sources into the shared library ``target``, unless it is newer than all of them, and return its path.

    Raises:
        CompilerError: no compiler was found, or it reported an error.
    """
    if _up_to_date(target):
        return target
    compiler = _compiler()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        jobs = _jobs(Path(folder), _levels(compiler))
        extra = shlex.split(os.environ.get("CXXFLAGS", ""))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: _run([*compiler, *_FLAGS, *job, *extra]), jobs))
        objects = [job[-1] for job in jobs]
        # Linked beside the target and then renamed: a process that has the old library loaded keeps it.
        linked = target.with_name(f".{target.name}.{os.getpid()}")
        _run([*compiler, "-shared", "-pthread", *objects, "-o", str(linked), *shlex.split(os.environ.get("LDFLAGS", ""))])
        linked.replace(target)
    return target


def _up_to_date(target: Path) -> bool:
    if not target.exists():
        return False
    built = target.stat().st_mtime
    return all(source.stat().st_mtime < built for source in (Path(__file__), *SOURCES.iterdir()))


def _levels(compiler: list[str]) -> dict[str, list[str]]:
    """Instruction sets of the processor that ``compiler`` compiles for, which need not be the one it runs on, with their flags."""
    processor = _run([*compiler, "-dumpmachine"]).partition("-")[0].strip().lower()
    if processor not in ("x86_64", "amd64"):
        return {"base": []}
    # The base is said outright: some compilers take the machine they run on. Zig has its own spelling of it.
    base = "-march=x86_64" if {"zig", "ziglang"} & {Path(word).name for word in compiler} else "-march=x86-64"
    return {level: [base, *flags] for level, flags in _X86_LEVELS.items()}


def _jobs(folder: Path, levels: dict[str, list[str]]) -> list[list[str]]:
    jobs = []
    for source in sorted(SOURCES.glob("*.cpp")):
        variants = levels if source.stem in _KERNELS else {"": []}
        for level, flags in variants.items():
            mode = [*_KERNEL_FLAGS, f"-DTOUCHSTONE_ISA={level}", *flags] if level else []
            jobs.append([*mode, "-c", str(source), "-o", str(folder / f"{source.stem}-{level}.o")])
    return jobs


def _compiler() -> list[str]:
    named = os.environ.get("CXX")
    if named:
        return shlex.split(named)
    for name in ("g++", "clang++", "c++"):
        if shutil.which(name):
            return [name]
    raise CompilerError("no C++ compiler was found; install g++ or clang++ (C++20), or set CXX")


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CompilerError(f"the C++ compiler {command[0]!r} cannot be started ({error.strerror}); set CXX to a working one") from error
    if done.stderr:
        sys.stderr.write(done.stderr)
    if done.returncode:
        raise CompilerError(f"the C++ compiler failed: {shlex.join(command)}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(build())
    except CompilerError as error:
        raise SystemExit(f"error: {error}") from error
