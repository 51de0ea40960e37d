"""``touchstone download``: the result of a job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from rich.progress import Progress

    from touchstone.machine.workload import Array
    from touchstone.store.package import Package

_SLICES = 50


@click.command()
@click.argument("job", type=click.IntRange(min=1))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; job-JOB.safetensors by default.")
@click.option("--rerun", is_flag=True, help="Run the whole job again on this machine and compare every bit.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads for --rerun; one per processor by default.")
@with_workspace("chain", "data")
def download(workspace: Workspace, job: int, output: Path | None, rerun: bool, threads: int) -> None:
    """Fetch the final state of JOB, check it against the root on chain, and write it as a safetensors file."""
    from touchstone.roles.library import JobLibrary
    from touchstone.roles.reader import MarketReader
    from touchstone.roles.submitter import download_result, find_job
    from touchstone.store.local import LocalStore
    from touchstone.store.tensors import pack

    ledger = MarketReader(workspace.client).read().ledger
    record = find_job(ledger, job)
    with workspace.output.progress(in_bytes=True) as progress:
        task = progress.add_task("Downloading", total=None)
        library = JobLibrary(
            LocalStore(workspace.data / "store"), 4 << 30, lambda done, total: progress.update(task, completed=done, total=total)
        )
        package, state = download_result(record, ledger, library)
    if rerun:
        with workspace.output.progress() as progress:
            _compare(package, state, threads, progress)
    target = output or Path(f"job-{job}.safetensors")
    target.write_bytes(pack(package.workload.slot_names, state))
    assert record.final_root is not None
    values = {"job": job, "file": str(target), "root": "0x" + record.final_root.hex(), "rerun": rerun}
    checked = ", recomputed here bit for bit" if rerun else ""
    workspace.output.result(values, f"{target} holds the state with the root on chain, 0x{record.final_root.hex()}{checked}.")


def _compare(package: Package, state: list[Array], threads: int, progress: Progress) -> None:
    from touchstone.machine.runtime import NativeMachine
    from touchstone.roles.submitter import check_result

    workload = package.workload
    machine = NativeMachine(workload.program, workload.constants, threads)
    machine.load(workload.state)
    task = progress.add_task("Running it again", total=workload.steps)
    done = 0
    for part in range(1, _SLICES + 1):
        until = workload.steps * part // _SLICES
        machine.run(until - done)
        done = until
        progress.update(task, completed=done)
    check_result(machine.state(), state)
