"""The demo's processes: the chain and one per role, each the ordinary command line with a directory and a log of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
TOUCHSTONE = [str(Path(sys.executable).parent / "touchstone")]
_START_SECONDS = 90.0
_END_SECONDS = 60.0


class DemoError(RuntimeError):
    """Something in the demo did not go as it must."""


@dataclass
class Cast:
    """Everything that runs; a context manager that ends it all.

    Args:
        directory: where each process keeps its data and its log.
    """

    directory: Path
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_chain(self, parameters: dict[str, int]) -> dict[str, Any]:
        """Start ``touchstone devnet`` on a free port and return what it says about itself."""
        overrides = [f"--parameter={name}={value}" for name, value in parameters.items()]
        self._start(
            "chain",
            [*TOUCHSTONE, "devnet", "--port=0", "--json", f"--directory={self.directory / 'chain'}", *overrides],
            _clean_environment(),
        )
        facts: dict[str, Any] = json.loads(self._wait_for_line("chain", "{"))
        return facts

    def start(self, name: str, account: str, command: list[str], cheat: list[str] | None = None, mark: str = '"msg": "starts"') -> None:
        """Start a role's process under a development account and wait until it says that it is running.

        Args:
            name: of the role, for its directory and log.
            account: of the development chain.
            command: words of the ``touchstone`` command.
            cheat: options of ``scripts.demo.cheat``; None for an honest process.
            mark: what it prints when it is running.
        """
        entry = TOUCHSTONE if cheat is None else [sys.executable, "-m", "scripts.demo.cheat", *cheat, "--"]
        self._start(name, [*entry, *command, f"--account={account}", f"--data={self.directory / name}", "--json"], self.environment)
        self._wait_for_line(name, mark)

    def run(self, name: str, command: list[str]) -> dict[str, Any]:
        """Run one ``touchstone`` command, on a role's data, to its end and return its JSON."""
        words = [*TOUCHSTONE, *command, f"--data={self.directory / name}", "--json"]
        done = subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"`touchstone {' '.join(command)}` ended with exit code {done.returncode}: {done.stderr.strip()}")
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result

    def wait(self, name: str) -> None:
        """Wait until a process that ends by itself has ended. Raises DemoError when it failed."""
        process = self._processes.pop(name)
        if process.wait(timeout=_END_SECONDS):
            raise DemoError(f"{name} ended with exit code {process.returncode}; it said: {self._tail(name)}")

    def stop(self, name: str) -> None:
        """End a process, if it runs."""
        process = self._processes.pop(name, None)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def check(self) -> None:
        """Raise DemoError when a process has died."""
        for name, process in self._processes.items():
            if process.poll():
                raise DemoError(f"{name} ended by itself with exit code {process.returncode}; it said: {self._tail(name)}")

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the roles' processes: nothing of the caller's own Touchstone settings, and the chain's configuration."""
        return {**_clean_environment(), "TOUCHSTONE_CONFIG": str(self.directory / "chain" / "touchstone.toml")}

    def log_of(self, name: str) -> Path:
        """The file a process writes to."""
        return self.directory / f"{name}.log"

    def __enter__(self) -> Cast:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in reversed(list(self._processes)):
            self.stop(name)

    def _start(self, name: str, words: list[str], environment: dict[str, str]) -> None:
        with self.log_of(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)

    def _wait_for_line(self, name: str, mark: str) -> str:
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            for line in self.log_of(name).read_text(errors="replace").splitlines():
                if mark in line:
                    return line
            self.check()
            time.sleep(0.1)
        raise DemoError(f"{name} did not start within {_START_SECONDS:.0f} s; it said: {self._tail(name)}")

    def _tail(self, name: str) -> str:
        lines = self.log_of(name).read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:]) if lines else "nothing"


def _clean_environment() -> dict[str, str]:
    """The caller's variables without its own Touchstone settings, which would reach into the demo."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    return {**inherited, "PYTHONUNBUFFERED": "1"}
