"""Hold the native runtime, compiled for another processor and emulated, to the tests of the one here.

    python scripts/emulated_processor.py [aarch64 | riscv64 …]

Needs a cross compiler and qemu's user emulation: on Debian the packages g++-aarch64-linux-gnu, g++-riscv64-linux-gnu and qemu-user-static.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from touchstone.machine.native import build

ROOT = Path(__file__).resolve().parent.parent
EMULATION = ROOT / "tests" / "machine" / "emulation"
PROCESSORS = ("aarch64", "riscv64")
# These are about loading and compiling the library here, and about the process that it is loaded into.
ABOUT_THIS_PROCESS = ("missing_library", "failing_compiler", "newer_than_its_sources", "signal", "flush_to_zero", "forked")


def main(processors: list[str]) -> int:
    """Exit code: 0 when every named processor passed."""
    unknown = set(processors) - set(PROCESSORS)
    if unknown:
        raise SystemExit(f"unknown processor {sorted(unknown)}; choose from {PROCESSORS}")
    return max(passes(processor) for processor in processors or PROCESSORS)


def passes(processor: str) -> int:
    """Compile for ``processor``, and return the exit code of the native runtime's tests there."""
    compiler = needed(f"{processor}-linux-gnu-g++", f"g++-{processor}-linux-gnu")
    emulator = needed(f"qemu-{processor}-static", "qemu-user-static")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXX"] = compiler
        library = build.build(Path(folder, build.LIBRARY_NAME))
        host = Path(folder, "host")
        subprocess.run([compiler, "-std=c++20", "-O2", str(EMULATION / "host.cpp"), str(library), "-o", str(host)], check=True)
        command = [emulator, "-L", f"/usr/{processor}-linux-gnu", "-E", f"LD_LIBRARY_PATH={folder}", str(host)]
        return run_tests({**os.environ, "EMULATED_RUNTIME": shlex.join(command)})


def needed(program: str, package: str) -> str:
    """Where ``program`` is."""
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is not installed; on Debian: apt-get install {package}")
    return found


def run_tests(environment: dict[str, str]) -> int:
    """Exit code of the native runtime's tests."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:ape_test", "-p", "tests.machine.emulation.plugin", "--timeout=0"]
    chosen = ["tests/machine/native", "-k", " and ".join(f"not {name}" for name in ABOUT_THIS_PROCESS)]
    return subprocess.run([*pytest, *chosen], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
