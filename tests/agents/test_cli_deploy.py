from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.shell import Shell, assert_one_line_error
from touchstone.chain.deployment import Deployment
from touchstone.chain.devnet import Devnet

PARAMETERS = Path(__file__).resolve().parents[2] / "deployments" / "parameters" / "testnet.toml"


@pytest.fixture
def deploy(on_devnet: Shell, devnet: Devnet, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command without its parameters, on a chain that another market is on already."""
    monkeypatch.delenv("TOUCHSTONE_DEPLOYMENT")
    return ["deploy", "trial", "--rpc", devnet.anvil.url, "--account", "dev9"]


def test_a_deployment_is_recorded_and_has_the_parameters_of_its_file(on_devnet: Shell, deploy: list[str], tmp_path: Path) -> None:
    outcome = on_devnet(*deploy, "--parameters", str(PARAMETERS), "--json")
    assert outcome.code == 0, outcome.err
    record = Deployment.load(tmp_path / "deployments" / "trial.json")
    assert record.contract("JobMarket").address == outcome.json["market"]
    checked = on_devnet("check", "--deployment", str(outcome.json["file"]), "--account", "dev9", "--json")
    assert checked.code == 0, checked.out
    written = json.loads((tmp_path / "deployments" / "trial.json").read_text())["contracts"]["JobMarket"]["arguments"]
    assert written["parameters"]["window"] == 259_200
    again = on_devnet(*deploy, "--parameters", str(PARAMETERS))
    assert_one_line_error(again, "exists already; choose another network name")


def test_a_dry_run_of_a_deployment_sends_nothing(on_devnet: Shell, deploy: list[str], devnet: Devnet, tmp_path: Path) -> None:
    before = on_devnet("account", "show", "dev9", "--json", "--deployment", str(devnet.deployment_file)).json["ether"]
    assert on_devnet(*deploy, "--parameters", str(PARAMETERS), "--dry-run", "--json").json["dry_run"] is True
    assert not (tmp_path / "deployments").exists()
    assert on_devnet("account", "show", "dev9", "--json", "--deployment", str(devnet.deployment_file)).json["ether"] == before


@pytest.mark.parametrize("text", ["", "[market]\nbidPeriod = 1\n[vault]\n", "not toml ["])
def test_parameters_that_do_not_fit_are_refused(on_devnet: Shell, deploy: list[str], tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    assert_one_line_error(on_devnet(*deploy, "--parameters", str(tmp_path / "wrong.toml")), "cannot be used")


def test_deploying_needs_a_chain(on_devnet: Shell, deploy: list[str]) -> None:
    words = [*deploy[:2], *deploy[4:], "--parameters", str(PARAMETERS)]
    assert_one_line_error(on_devnet(*words), "--rpc", code=2)
