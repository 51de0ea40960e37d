"""``touchstone deploy``: put the whole market onto a chain."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.chain.deploy import MarketParameters, VaultParameters

CONTRACTS = 12


@click.command()
@click.argument("network")
@click.option(
    "--parameters",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML file, like deployments/parameters/testnet.toml of the source.",
)
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), default=Path("deployments"), show_default=True)
@with_workspace("money")
def deploy(workspace: Workspace, network: str, parameters: Path, directory: Path) -> None:
    """Deploy token (if none is named), referee, court, vault, beacon and market, and record them in DIRECTORY/NETWORK.json.

    Interrupted and started again with the same --data, it goes on where it stopped and deploys nothing twice.
    """
    from touchstone.chain.client import ChainClient
    from touchstone.chain.deploy import deploy_market
    from touchstone.chain.errors import DeploymentError

    if not workspace.rpc:
        raise click.UsageError("deploy needs the chain's --rpc")
    target = directory / f"{network}.json"
    if target.exists():
        raise DeploymentError(f"{target} exists already; choose another network name, or move it away to deploy anew")
    market, vault, token = read_parameters(parameters, workspace.address)
    facts = {"network": network, "deployer": workspace.address, "treasury": market.treasury, "token": token or "a new test token"}
    if workspace.dry_run:
        workspace.output.result({"dry_run": True, **facts})
        return
    # There is no deployment yet to read the contracts from.
    workspace.client = ChainClient(workspace.rpc)
    with workspace.output.progress() as progress:
        task = progress.add_task("Deploying", total=CONTRACTS)
        sender = workspace.sender()
        deployment = deploy_market(
            sender, network, market, vault, token, lambda name: progress.update(task, advance=1, description=f"Deployed {name}")
        )
    directory.mkdir(parents=True, exist_ok=True)
    deployment.model_copy(update={"rpc": tuple(workspace.rpc)}).save(target)
    address = deployment.contract("JobMarket").address
    workspace.output.result({**facts, "market": address, "file": str(target)}, f"The market is at {address}; {target} is its record.")


def read_parameters(file: Path, deployer: str) -> tuple[MarketParameters, VaultParameters, str | None]:
    """Parameters of market and vault, and the token's address if the file names one.

    Raises:
        DeploymentError: the file cannot be read, or lacks or misnames a parameter.
    """
    from touchstone.chain.deploy import MarketParameters, VaultParameters
    from touchstone.chain.errors import DeploymentError

    try:
        content: dict[str, Any] = tomllib.loads(file.read_text())
        market = MarketParameters(treasury=content.get("treasury", deployer), **content["market"])
        return market, VaultParameters(**content["vault"]), content.get("token")
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = " ".join(f"{type(error).__name__} {error}".split())
        raise DeploymentError(
            f"the parameters in {file} cannot be used ({problem}); compare with deployments/parameters/testnet.toml"
        ) from error
