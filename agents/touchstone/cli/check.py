"""``touchstone check``: whether this machine, account and chain are ready for an agent, before any money moves."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from touchstone.cli.amounts import show_amount
from touchstone.cli.errors import PreflightError
from touchstone.cli.workspace import Workspace, with_workspace
from touchstone.errors import TouchstoneError

MAX_CLOCK_DIFFERENCE = 60
MIN_ETHER = 10**16


@dataclass(frozen=True)
class Finding:
    """Outcome of one check: what was found, or what is wrong and what to do."""

    check: str
    passed: bool
    detail: str


@click.command()
@click.option("--package", "package_path", type=click.Path(path_type=Path), help="Also check the package in this folder.")
@click.option("--store-port", type=click.IntRange(1, 65535), help="Also check that a store could listen on this port.")
@click.option("--store", "stores", multiple=True, help="Also check that the store at this address answers.")
@with_workspace("account")
def check(workspace: Workspace, package_path: Path | None, store_port: int | None, stores: Sequence[str]) -> None:
    """Check everything an agent needs: runtime, chain, contracts, account, funds, disk. Exits with 1 if something is missing."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("native runtime", _check_runtime),
        ("data directory", lambda: _check_directory(workspace.data)),
        ("deployment", lambda: f"{workspace.deployment.network}, chain {workspace.deployment.chain_id}"),
        ("chain", lambda: _check_chain(workspace)),
        ("contracts", lambda: _check_contracts(workspace)),
        ("clock", lambda: _check_clock(workspace)),
        ("account", lambda: f"{workspace.account.address}"),
        ("ether", lambda: _check_ether(workspace)),
        ("tokens", lambda: _check_tokens(workspace)),
    ]
    if package_path is not None:
        checks.append(("package", lambda: _check_package(package_path)))
    if store_port is not None:
        checks.append(("store port", lambda: _check_port(store_port)))
    checks += [(f"store {url}", lambda url=url: _check_store(url)) for url in stores]  # type: ignore[misc]
    findings = [_run(name, action) for name, action in checks]
    rows = [(finding.check, "ok" if finding.passed else "FAILED", finding.detail) for finding in findings]
    workspace.output.table(("Check", "Status", "Detail"), rows, "checks")
    failed = [finding.check for finding in findings if not finding.passed]
    if failed:
        raise PreflightError(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}; see the details above")


def _run(name: str, action: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, action())
    except (TouchstoneError, OSError, ImportError) as error:
        return Finding(name, False, " ".join(str(error).split()))


def _check_runtime() -> str:
    from touchstone.machine import runtime

    return f"ready, {runtime.instruction_set()}"


def _check_directory(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path) as probe:
        probe.write(b"x")
    return str(path)


def _check_chain(workspace: Workspace) -> str:
    head = workspace.client.block("latest")
    return f"{workspace.client.provider.current_url} is at block {head.number}"


def _check_contracts(workspace: Workspace) -> str:
    missing = [name for name, entry in workspace.deployment.contracts.items() if not workspace.client.has_code(entry.address)]
    if missing:
        raise PreflightError(f"no code at the address of {', '.join(missing)}; the chain is another one than the deployment file's")
    for name in workspace.deployment.contracts:
        workspace.client.contract(name)
    return f"{len(workspace.deployment.contracts)} are in place"


def _check_clock(workspace: Workspace) -> str:
    difference = int(workspace.client.block("latest").timestamp - time.time())
    if abs(difference) > MAX_CLOCK_DIFFERENCE:
        raise PreflightError(
            f"the chain's time differs by {difference} s from this machine's; set the clock, or wait for the node to catch up"
        )
    return f"the chain's time differs by {difference} s"


def _check_ether(workspace: Workspace) -> str:
    balance = workspace.client.balance(workspace.address)
    if balance < MIN_ETHER:
        raise PreflightError(f"{show_amount(balance)} ether will not pay for transactions; send the account some")
    return show_amount(balance)


def _check_tokens(workspace: Workspace) -> str:
    address, client = workspace.address, workspace.client
    vault = client.contract("StakeVault").address
    tokens = show_amount(client.read("Token", "balanceOf", address))
    allowed = show_amount(client.read("Token", "allowance", address, vault))
    balance = show_amount(client.read("StakeVault", "balanceOf", address))
    return f"{tokens} in the account ({allowed} allowed to the vault), {balance} in the vault"


def _check_package(path: Path) -> str:
    from touchstone.store.package import Package

    package = Package.load(path)
    return f"{package.cid}, {package.workload.steps} steps"


def _check_port(port: int) -> str:
    from touchstone.store.server import bind

    listener: socket.socket = bind("127.0.0.1", port)
    listener.close()
    return f"{port} is free"


def _check_store(url: str) -> str:
    from touchstone.store.remote import RemoteStore

    uploads = RemoteStore(url).check_health().get("uploads")
    return "answers, takes uploads" if uploads else "answers, takes no uploads"
