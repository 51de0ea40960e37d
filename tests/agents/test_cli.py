"""The command line on a real development chain, and what every kind of bad input gets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.agents.conftest import small_workload
from tests.agents.shell import Shell, assert_one_line_error
from tests.agents.test_store_http import dead_url
from touchstone.chain.devnet import Anvil, Devnet, free_port
from touchstone.cli.app import COMMANDS
from touchstone.cli.config import Config
from touchstone.cli.workspace import Workspace
from touchstone.store import LocalStore, Package, StoreServer

COMMAND = [sys.executable, "-c", "from touchstone.cli import main; main()"]


def stake_of(shell: Shell, name: str) -> str:
    return str(shell("account", "show", name, "--json").json["stake"])


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(shell: Shell, command: str) -> None:
    outcome = shell(command, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith("Usage: touchstone")


def test_a_new_account_is_listed_and_opens_with_its_password(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PASSWORD", "secret")
    made = shell("account", "new", "alice", "--json").json
    assert shell("account", "list", "--json").json == {"accounts": [{"name": "alice", "address": made["address"]}]}
    assert str(made["address"]) in shell("account", "list").out


def test_a_key_in_a_file_is_imported(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PASSWORD", "secret")
    (tmp_path / "key").write_text("46" * 32 + "\n")
    outcome = shell("account", "import", "bob", "--file", str(tmp_path / "key"), "--json")
    assert outcome.json["address"] == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"


def test_staking_and_unstaking_change_the_stake_by_exactly_the_amount(on_devnet: Shell) -> None:
    sent = on_devnet("stake", "12.5", "--account", "dev1", "--json").json
    assert [each["name"] for each in sent["transactions"]] == ["approve", "stake"]  # type: ignore[attr-defined]
    assert stake_of(on_devnet, "dev1") == "12.5"
    assert on_devnet("unstake", "2", "--account", "dev1").code == 0
    shown = on_devnet("account", "show", "dev1", "--json").json
    assert (shown["stake"], shown["leaving"]) == ("10.5", "2")
    assert_one_line_error(
        on_devnet("unstake", "--release", "--account", "dev1"), "StakeVault.release reverts with NotReleasable(releasableAt="
    )


def test_a_dry_run_sends_nothing_and_shows_the_cost(on_devnet: Shell) -> None:
    outcome = on_devnet("stake", "20", "--account", "dev2", "--dry-run", "--json")
    first = outcome.json["transactions"][0]  # type: ignore[index]
    assert first["name"] == "approve"
    assert first["gas"] > 40_000
    shown = on_devnet("account", "show", "dev2", "--json").json
    assert (shown["stake"], shown["tokens"]) == ("0", "1,000,000")
    assert "Nothing was sent." in on_devnet("stake", "20", "--account", "dev2", "--dry-run").out


def test_a_stake_interrupted_after_signing_is_finished_and_not_repeated(on_devnet: Shell, devnet: Devnet, tmp_path: Path) -> None:
    workspace = Workspace(
        Config(),
        deployment_path=devnet.deployment_file,
        keystore_path=devnet.keystore,
        password_path=devnet.password_file,
        account_name="dev3",
        data_path=tmp_path / "data",
    )
    vault = workspace.client.contract("StakeVault").address
    amount = 15 * 10**18
    workspace.sender().execute(workspace.client.call("Token", "approve", vault, 10 * amount))

    def interrupt(what: str, _entry: object) -> None:
        raise KeyboardInterrupt(what)

    with pytest.raises(KeyboardInterrupt, match="signed"):
        workspace.sender(interrupt).send(workspace.client.call("StakeVault", "stake", amount))
    assert on_devnet("stake", "15", "--account", "dev3").code == 0
    assert stake_of(on_devnet, "dev3") == "15"


def test_withdrawing_more_than_there_is_is_refused(on_devnet: Shell) -> None:
    assert_one_line_error(on_devnet("withdraw", "--account", "dev4"), "the balance in the vault is 0 tokens")


def test_too_few_tokens_are_reported_with_both_amounts(on_devnet: Shell) -> None:
    outcome = on_devnet("stake", "1000001", "--account", "dev4")
    assert_one_line_error(outcome, "1,000,001 tokens are needed from the account, it has 1,000,000")


def test_a_stake_below_the_minimum_is_refused(on_devnet: Shell) -> None:
    assert_one_line_error(on_devnet("stake", "1", "--account", "dev4"), "a stake below 10 tokens has no weight")


def test_a_wrong_password_is_refused(on_devnet: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PASSWORD", "wrong")
    assert_one_line_error(on_devnet("stake", "20", "--account", "dev4"), "the password does not open the account 'dev4'")


def test_a_missing_password_is_asked_for_only_on_a_terminal(on_devnet: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHSTONE_PASSWORD_FILE")
    assert_one_line_error(on_devnet("stake", "20", "--account", "dev4"), "no password was given; set TOUCHSTONE_PASSWORD")


def test_an_account_must_be_chosen_when_there_are_several(on_devnet: Shell) -> None:
    assert_one_line_error(on_devnet("stake", "20"), "choose one with --account")
    assert_one_line_error(on_devnet("stake", "20", "--account", "nobody"), "no account 'nobody'")


def test_a_dead_endpoint_is_reported(on_devnet: Shell) -> None:
    url = dead_url()
    assert_one_line_error(on_devnet("stake", "20", "--account", "dev4", "--rpc", url), f"no RPC endpoint answers ({url}: ConnectionError)")


def test_a_dead_endpoint_does_no_harm_beside_a_living_one(on_devnet: Shell, devnet: Devnet) -> None:
    outcome = on_devnet("account", "show", "dev4", "--rpc", dead_url(), "--rpc", devnet.anvil.url, "--json")
    assert outcome.json["tokens"] == "1,000,000"


def test_an_endpoint_of_another_chain_is_reported(
    on_devnet: Shell, devnet: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devnet.deployment.model_copy(update={"chain_id": 5}).save(tmp_path / "other.json")
    monkeypatch.setenv("TOUCHSTONE_DEPLOYMENT", str(tmp_path / "other.json"))
    assert_one_line_error(on_devnet("account", "show", "dev4"), "chain 31337 instead of 5")


def test_a_missing_deployment_is_reported(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_PASSWORD", "secret")
    shell("account", "new", "alice")
    assert_one_line_error(shell("account", "show", "alice"), "is missing; start `touchstone devnet`")


def test_errors_are_json_when_results_are(on_devnet: Shell) -> None:
    outcome = on_devnet("withdraw", "--account", "dev4", "--json")
    assert json.loads(outcome.err)["error"] == "InsufficientTokensError"
    usage = on_devnet("stake", "--json", "--bogus")
    assert (usage.code, json.loads(usage.err)["error"]) == (2, "UsageError")


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("stake",),
        ("stake", "x"),
        ("stake", "0"),
        ("stake", "-1"),
        ("stake", "nan"),
        ("stake", "0.0000000000000000001"),
        ("unstake",),
        ("unstake", "1", "--release"),
        ("devnet", "--port", "70000"),
        ("devnet", "--parameter", "window"),
        ("quote",),
        ("quote", "x", "--audit-rate", "101"),
    ],
)
def test_wrong_usage_exits_with_two(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert_one_line_error(shell(*arguments), "--help", code=2)


def test_settings_come_from_the_file_then_the_environment_then_the_option(
    shell: Shell, devnet: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'deployment = "{devnet.deployment_file}"', f'keystore = "{devnet.keystore}"', 'account = "dev5"', f'rpc = "{dead_url()}"']
    (tmp_path / "touchstone.toml").write_text("\n".join(lines) + "\n[quote]\naudit_rate = 8\n")
    assert "no RPC endpoint answers" in shell("account", "show").err
    monkeypatch.setenv("TOUCHSTONE_RPC", devnet.anvil.url)
    assert shell("account", "show", "--json").json["address"] == devnet.accounts[5].address
    monkeypatch.setenv("TOUCHSTONE_ACCOUNT", "dev6")
    assert shell("account", "show", "--json").json["address"] == devnet.accounts[6].address
    assert shell("account", "show", "--account", "dev7", "--json").json["address"] == devnet.accounts[7].address


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ("rpc = 1", "must be an address"),
        ("account = 1", "must be a text"),
        ("= 1", "not readable TOML"),
    ],
)
def test_a_wrong_configuration_file_is_reported(shell: Shell, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "touchstone.toml").write_text(content)
    assert_one_line_error(shell("account", "list"), message)


def test_a_named_configuration_file_must_exist(shell: Shell, tmp_path: Path) -> None:
    assert_one_line_error(shell("--config", str(tmp_path / "x.toml"), "account", "list"), "is missing; correct --config")


def test_a_quote_describes_the_computation_without_a_chain(shell: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload(steps=41)).save(tmp_path / "package")
    values = shell("quote", str(tmp_path / "package"), "--json").json
    assert (values["steps"], values["interval_steps"], values["checkpoints"]) == (41, 3, 14)
    assert values["operations"] == 41 * int(str(values["operations_per_step"]))


def test_a_quote_counts_operators_runs_a_trial_and_prices_the_operations(shell: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload(steps=50)).save(tmp_path / "package")
    values = shell("quote", str(tmp_path / "package"), "--rate", "1000000000", "--json").json
    assert values["operators"] == {"source constant": 1, "map add": 1, "map iadd": 1} and values["nodes"] == 3
    assert float(str(values["expected_price"])) == pytest.approx(float(str(values["operations"])) * 1e9 / 1e12)
    assert float(str(values["seconds_here"])) >= 0
    assert "seconds_here" not in shell("quote", str(tmp_path / "package"), "--no-trial", "--json").json
    text = shell("quote", str(tmp_path / "package")).out
    assert "operations per step" in text and "map iadd" in text


def test_a_profile_sums_the_time_of_a_step_by_family_and_lists_the_hottest_nodes(shell: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload()).save(tmp_path / "package")
    outcome = shell("profile", str(tmp_path / "package"), "--steps", "2", "--threads", "1", "--top", "2", "--json")
    families, hottest = (next(iter(json.loads(line).values())) for line in outcome.out.splitlines())
    assert {each["family"]: each["parts"] for each in families} == {"elementwise": 2, "copies of the state": 1}
    assert sum(float(each["share"].rstrip("%")) for each in families) == pytest.approx(100, abs=0.3)
    assert len(hottest) == 2 and hottest[0]["microseconds"] >= hottest[1]["microseconds"] >= 0
    text = shell("profile", str(tmp_path / "package")).out
    assert "elementwise" in text and "map iadd [1]" in text
    assert_one_line_error(shell("profile", str(tmp_path / "nothing.py")), "correct the path")


def test_a_model_that_cannot_run_is_refused_by_operator_and_module(shell: Shell, tmp_path: Path) -> None:
    model = (
        "import numpy, torch\nfrom torch import nn\nfrom touchstone import capture\n"
        "class Inner(nn.Module):\n    def forward(self, x): return torch.linalg.svdvals(x).sum() * x\n"
        "def build_workload(size=4):\n    model = nn.Sequential(nn.Linear(size, size), Inner())\n"
        "    x = numpy.ones((8, size), numpy.float32)\n"
        "    return capture(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), x, x, batch_size=4, steps=4)\n"
    )
    (tmp_path / "model.py").write_text(model)
    assert_one_line_error(shell("quote", str(tmp_path / "model.py"), "--set", "size=3"), "linalg_svd")
    assert_one_line_error(shell("quote", str(tmp_path / "model.py")), "at 1")


def test_a_quote_shows_stake_and_escrow_as_the_market_computes_them(on_devnet: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload(steps=100)).save(tmp_path / "package")
    values = on_devnet("quote", str(tmp_path / "package"), "--budget", "100", "--interval", "10", "--audit-rate", "8", "--json").json
    assert values["checkpoints"] == 10
    q = 0.08 * 0.6 * 0.9
    stake = 2 * (100 / 10) * (1 - q) / (q * 0.7)
    assert float(str(values["stake"]).replace(",", "")) == pytest.approx(stake, rel=1e-6)
    assert values["stake_by_audit_rate"]["8%"] == values["stake"]  # type: ignore[index]
    assert values["stake_by_checkpoints"]["10"] == values["stake"]  # type: ignore[index]
    assert list(values["stake_by_checkpoints"]) == ["10", "20", "50"]  # type: ignore[call-overload]
    # 8% of 10 intervals, each of them 1.3 times a tenth of the budget.
    assert float(values["audits_cost_by_audit_rate"]["8%"]) == pytest.approx(10.4)  # type: ignore[index]
    assert "audited by an honest verifier with a chance of 4.32%" in str(values["stake_reason"])


def test_a_python_file_is_quoted_through_its_build_workload(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("from tests.agents.conftest import small_workload as build_workload\n")
    assert shell("quote", str(tmp_path / "model.py"), "--json").json["steps"] == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1", "defines no function build_workload()"),
        ("def build_workload(): return 1", "returns int, not a Workload"),
        ("def build_workload(): return {}['x']", "failed with KeyError"),
        ("import nonexistent_module", "failed with ModuleNotFoundError"),
        ("def", "failed with SyntaxError"),
    ],
)
def test_a_python_file_that_builds_no_workload_is_reported(shell: Shell, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "model.py").write_text(content)
    assert_one_line_error(shell("quote", str(tmp_path / "model.py")), message)


def test_a_corrupted_package_is_reported(shell: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload()).save(tmp_path / "package")
    blob = tmp_path / "package" / "constants-0.safetensors"
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xff")
    assert_one_line_error(shell("quote", str(tmp_path / "package")), "constants-0.safetensors is not the file the manifest names")
    assert_one_line_error(shell("quote", str(tmp_path / "nothing")), "is neither the folder of a package nor a Python file")


def test_a_ready_machine_passes_the_preflight(on_devnet: Shell, tmp_path: Path) -> None:
    Package.from_workload(small_workload()).save(tmp_path / "package")
    with StoreServer(LocalStore(tmp_path / "store")) as server:
        port = str(free_port())
        outcome = on_devnet(
            *("check", "--account", "dev1", "--package", str(tmp_path / "package"), "--store", server.url, "--store-port", port, "--json")
        )
    assert outcome.code == 0, outcome
    assert {each["status"] for each in outcome.json["checks"]} == {"ok"}  # type: ignore[attr-defined]


def test_the_preflight_names_everything_that_is_wrong_and_exits_with_one(on_devnet: Shell, tmp_path: Path) -> None:
    with StoreServer(LocalStore(tmp_path / "store")) as server:
        port = server.url.rpartition(":")[2]
        outcome = on_devnet("check", "--account", "dev1", "--rpc", dead_url(), "--package", str(tmp_path), "--store-port", port, "--json")
    failed = {each["check"] for each in outcome.json["checks"] if each["status"] == "FAILED"}  # type: ignore[attr-defined]
    assert outcome.code == 1
    assert {"chain", "contracts", "ether", "package", "store port"} <= failed
    assert json.loads(outcome.err)["error"] == "PreflightError"


def test_a_devnet_on_a_port_in_use_is_refused(shell: Shell, devnet: Devnet) -> None:
    assert_one_line_error(shell("devnet", "--port", str(devnet.anvil.port)), f"127.0.0.1:{devnet.anvil.port} is taken")


def test_a_devnet_with_an_unknown_parameter_is_refused_before_anything_starts(shell: Shell, tmp_path: Path) -> None:
    assert_one_line_error(shell("devnet", "--port", "0", "--parameter", "colour=1"), "'colour' is not a parameter of the market")
    assert not (tmp_path / "data" / "devnet").exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_devnet_runs_until_told_to_end_and_takes_its_chain_along(tmp_path: Path, ending: signal.Signals) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    arguments = ["devnet", "--port", "0", "--block-time", "0.2", "--accounts", "3", "--directory", str(tmp_path), "--json"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        shown = subprocess.run(
            [*COMMAND, "--config", facts["config"], "account", "show", "dev2", "--json"], capture_output=True, check=True, env=environment
        )
        assert json.loads(shown.stdout)["address"] == facts["accounts"][2]
    finally:
        process.send_signal(ending)
        code = process.wait(timeout=20)
    assert code == 130
    with pytest.raises(requests.ConnectionError):
        requests.post(facts["rpc"], json={}, timeout=2)


def test_anvil_listens_on_loopback_only_and_enforces_the_gas_limit_of_a_transaction(tmp_path: Path) -> None:
    with Anvil(block_time=None) as anvil:
        arguments = Path(f"/proc/{anvil.pid}/cmdline").read_bytes().split(b"\0")
    assert arguments[arguments.index(b"--host") + 1] == b"127.0.0.1"
    assert b"--enable-tx-gas-limit" in arguments
    assert arguments[arguments.index(b"--hardfork") + 1] == b"osaka"


def test_an_unexpected_error_is_one_line_that_asks_for_a_report(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("touchstone.chain.keystore.KeystoreDirectory.list", broken)
    assert_one_line_error(shell("account", "list"), "unexpected ZeroDivisionError: boom; set TOUCHSTONE_DEBUG=1")
