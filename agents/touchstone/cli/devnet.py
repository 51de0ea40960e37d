"""``touchstone devnet``: a local chain with everything on it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import click

from touchstone.cli.workspace import Workspace, with_workspace

CONTRACTS = 11


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8545, show_default=True, help="Port of the RPC endpoint; 0 takes a free one."
)
@click.option("--block-time", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Seconds between blocks.")
@click.option("--accounts", type=click.IntRange(1, 100), default=10, show_default=True, help="Funded accounts dev0, dev1, …")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), help="Where to put the deployment file and the keystores.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Another value for a market parameter, e.g. window=20."
)
@with_workspace("data")
def devnet(workspace: Workspace, port: int, block_time: float, accounts: int, directory: Path | None, parameters: tuple[str, ...]) -> None:
    """Run a local chain with the market deployed and funded accounts, until interrupted.

    It listens on loopback only. The keys of its accounts are public: never use them elsewhere.
    """
    from touchstone.chain.devnet import start_devnet

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that being told to end takes the chain along, as Ctrl-C does
    target = directory or workspace.data / "devnet"
    overrides = _parse_parameters(parameters)
    with workspace.output.progress() as progress:
        task = progress.add_task("Deploying", total=CONTRACTS)

        def advance(name: str) -> None:
            progress.update(task, advance=1, description=f"Deployed {name}")

        net = start_devnet(target, port, block_time, accounts, overrides, advance)
    try:
        config = target / "touchstone.toml"
        config.write_text('deployment = "devnet.json"\nkeystore = "keystore"\npassword_file = "password"\ndata = "data"\n')
        workspace.output.result(
            {
                "rpc": net.anvil.url,
                "deployment": str(net.deployment_file),
                "keystore": str(net.keystore),
                "password_file": str(net.password_file),
                "config": str(config),
                "accounts": [account.address for account in net.accounts],
            },
            f"The chain runs at {net.anvil.url}. In another terminal:\n\n    export TOUCHSTONE_CONFIG={config.resolve()}\n\n"
            f"Accounts dev0 to dev{accounts - 1} hold ether and test tokens. Ctrl-C ends it.",
        )
        while net.anvil.running():
            time.sleep(0.2)
    finally:
        net.anvil.stop()


def _parse_parameters(parameters: tuple[str, ...]) -> dict[str, int]:
    values = {}
    for text in parameters:
        name, separator, value = text.partition("=")
        if not separator or not value.isdigit():
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE with a whole number", param_hint="--parameter")
        values[name] = int(value)
    return values
