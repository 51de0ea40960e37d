"""A local chain for development and tests: Anvil on loopback, with everything deployed and throw-away accounts that hold test tokens."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from eth_account import Account
from eth_account.signers.local import LocalAccount

from touchstone.chain.client import ChainClient
from touchstone.chain.deploy import TOKEN, DeployProgress, deploy_market, devnet_parameters, devnet_vault
from touchstone.chain.deployment import Deployment
from touchstone.chain.errors import ChainUnavailableError, DevnetError, WrongChainError
from touchstone.chain.journal import Journal
from touchstone.chain.keystore import KeystoreDirectory
from touchstone.chain.sender import Sender, SendPolicy
from touchstone.store.server import bind

HOST = "127.0.0.1"
CHAIN_ID = 31337
MNEMONIC = "test test test test test test test test test test test junk"
"""The phrase everybody's development chain uses: its keys are public, never send anything of value to them."""
PASSWORD = "devnet"
TOKENS = 1_000_000 * 10**18
ACCOUNTS = 10

_START_SECONDS = 20.0
_SCRYPT_N = 1 << 12


class Anvil:
    """An Anvil process with Osaka's rules; a context manager.

    Args:
        port: where to listen on loopback; 0 takes a free port.
        block_time: seconds between blocks; None mines a block per transaction.
        accounts: number of funded development accounts.
        log: file for the node's output; None discards it.
    """

    def __init__(self, port: int = 0, block_time: float | None = 1, accounts: int = ACCOUNTS, log: Path | None = None) -> None:
        self.port = port
        self._block_time = block_time
        self._accounts = accounts
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the RPC endpoint."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the node and wait until it answers.

        Raises:
            PortInUseError: somebody listens on the port.
            DevnetError: Anvil is not installed or does not start.
        """
        binary = find_anvil()
        listener = bind(HOST, self.port)
        self.port = listener.getsockname()[1]
        listener.close()
        output = self._log.open("wb") if self._log is not None else subprocess.DEVNULL
        try:
            self._process = subprocess.Popen([*binary, *self._arguments()], stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        finally:
            if not isinstance(output, int):
                output.close()
        self._wait_until_ready()

    def stop(self) -> None:
        """End the process."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Anvil:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        arguments = ["--host", HOST, "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--hardfork", "osaka", "--enable-tx-gas-limit"]
        arguments += ["--accounts", str(self._accounts), "--mnemonic", MNEMONIC]
        if self._block_time is not None:
            arguments += ["--block-time", str(self._block_time)]
        return arguments

    def _wait_until_ready(self) -> None:
        client = ChainClient([self.url], timeout=2.0)
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if not self.running():
                self._process = None
                raise DevnetError(f"anvil stopped while starting on port {self.port}; {_last_line(self._log)}")
            with contextlib.suppress(ChainUnavailableError, WrongChainError):
                if client.chain_id == CHAIN_ID:
                    return
            time.sleep(0.05)
        self.stop()
        raise DevnetError(f"anvil does not answer on port {self.port}; {_last_line(self._log)}")


@dataclass(frozen=True)
class Devnet:
    """A running development chain. ``deployment_file`` and ``keystore`` are what agents are pointed at."""

    anvil: Anvil
    deployment: Deployment
    deployment_file: Path
    keystore: Path
    password_file: Path
    accounts: tuple[LocalAccount, ...]


def start_devnet(
    directory: Path,
    port: int = 0,
    block_time: float = 1,
    accounts: int = ACCOUNTS,
    overrides: dict[str, int] | None = None,
    progress: DeployProgress | None = None,
) -> Devnet:
    """Start a chain and prepare it for use.

    In ``directory`` it leaves ``devnet.json`` (the deployment record), ``keystore/`` with the accounts dev0, dev1, … (dev0 deployed
    everything and is the treasury), their ``password`` file and ``anvil.log``.

    Args:
        directory: made if it does not exist.
        port: of the RPC endpoint; 0 takes a free one.
        block_time: seconds between blocks.
        accounts: how many there are; each holds ether and a million test tokens.
        overrides: other market parameters, by name.
        progress: called with what is ready.

    Raises:
        PortInUseError: somebody listens on the port.
        DevnetError: Anvil is not installed or does not start.
        DeploymentError: the artifacts are missing, or a parameter is unknown.
    """
    keys = development_accounts(accounts)
    parameters = devnet_parameters(keys[0].address, **(overrides or {}))
    directory.mkdir(parents=True, exist_ok=True)
    anvil = Anvil(port, block_time, accounts, directory / "anvil.log")
    anvil.start()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            sender = Sender(ChainClient([anvil.url]), keys[0], Journal(Path(temporary) / "journal.sqlite"), SendPolicy(poll=0.1))
            deployment = deploy_market(sender, "devnet", parameters, devnet_vault(), progress=progress)
            deployment = deployment.model_copy(update={"rpc": (anvil.url,)})
            _give_tokens(sender, deployment, keys)
            sender.journal.close()
        deployment_file = directory / "devnet.json"
        deployment.save(deployment_file)
        keystore, password_file = _write_keystores(directory, keys)
    except BaseException:
        anvil.stop()
        raise
    return Devnet(anvil, deployment, deployment_file, keystore, password_file, keys)


def development_accounts(count: int = ACCOUNTS) -> tuple[LocalAccount, ...]:
    """The accounts of :data:`MNEMONIC`, as Anvil funds them."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}") for index in range(count))


def find_anvil() -> list[str]:
    """Command that starts Anvil. Raises DevnetError when there is none."""
    found = shutil.which("anvil")
    if found is None:
        raise DevnetError("anvil is not installed; run `make setup`, or install Foundry from https://getfoundry.sh")
    return [_native_binary(Path(found)) or found]


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _native_binary(found: Path) -> str | None:
    """The program behind npm's launcher script: started directly, it is one process instead of two, which matters when it is killed."""
    package = found.resolve().parent
    if package.name != "anvil" or package.parent.name != "@foundry-rs":
        return None
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
    candidates = sorted(package.parent.glob(f"anvil-{platform.system().lower()}-{machine}/bin/anvil"))
    return str(candidates[0]) if candidates else None


def _give_tokens(sender: Sender, deployment: Deployment, accounts: tuple[LocalAccount, ...]) -> None:
    token = deployment.contract(TOKEN)
    entries = [sender.send(token.call("mint", account.address, TOKENS)) for account in accounts]
    for entry in entries:
        sender.wait(entry)


def _write_keystores(directory: Path, accounts: tuple[LocalAccount, ...]) -> tuple[Path, Path]:
    """Keystores of the development accounts. Their keys are public, so a small work factor does."""
    folder = directory / "keystore"
    keystore = KeystoreDirectory(folder, _SCRYPT_N)
    present = {entry.name for entry in keystore.list()}
    for index, account in enumerate(accounts):
        if f"dev{index}" not in present:
            keystore.import_key(f"dev{index}", account.key.hex(), PASSWORD)
    password_file = directory / "password"
    password_file.write_text(PASSWORD + "\n")
    password_file.chmod(0o600)
    return folder, password_file


def _last_line(log: Path | None) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log is not None and log.exists() else []
    return f"it said: {lines[-1][:200]}" if lines else "it said nothing"
