"""What docs/economics shows is what the campaign found, and what the market's defaults are is what it recommends."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from simulation import plots, results, tables
from simulation.economy import ROOT, Economy, standard_economy
from simulation.gas import GasTable
from simulation.sections import cheating, costs
from touchstone.chain.deploy import MarketParameters, devnet_parameters
from touchstone.cli.quote import quote
from touchstone.cli.submit import submit
from touchstone.market import Market
from touchstone.roles.records import default_interval
from touchstone.roles.submitter import Offer

FIGURES = results.read()
SHARES = ("honestShare", "proposerShare", "challengerShare", "submitterShare", "auditFactor")


def recorded_economy() -> Economy:
    """The economy of the campaign, with the gas of its time."""
    return standard_economy(GasTable(**FIGURES["assumptions"]["gas"]))


def drawing(file: Path) -> tuple[str, list[float]]:
    """What a plot says apart from its numbers, and its numbers in points. Processors differ in the last digit of a logarithm, so in the
    last digit of a coordinate, and the names of paths are hashes of coordinates."""
    text = re.sub(r"\b([a-z])[0-9a-f]{10}\b", r"\1", file.read_text())
    number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
    return re.sub(number, "", text), [float(each) for each in re.findall(number, text)]


@pytest.mark.parametrize("name", ["assumptions", "rates", "gas_shares", "grinding", "inspection", "deviations", "waiting", "honest_share"])
def test_the_campaign_gives_the_same_figures_again(name: str) -> None:
    assert results.section(name, recorded_economy()) == FIGURES[name]


def test_every_section_of_the_campaign_is_in_the_file() -> None:
    assert list(FIGURES) == list(results.SECTIONS)


def test_the_pages_tables_are_made_from_the_figures() -> None:
    page = tables.PAGE.read_text()
    assert tables.filled(page, FIGURES) == page
    changed = {**FIGURES, "cells": [{**FIGURES["cells"][0], "stake": 1.0}, *FIGURES["cells"][1:]]}
    assert tables.filled(page, changed) != page


def test_the_plots_are_made_from_the_figures(tmp_path: Path) -> None:
    plots.write(FIGURES, tmp_path)
    for name in plots.PLOTS:
        text, numbers = drawing(tmp_path / f"{name}.svg")
        then_text, then_numbers = drawing(results.FILE.parent / f"{name}.svg")
        assert text == then_text, f"{name}: run make economics"
        assert numbers == pytest.approx(then_numbers, abs=0.002), f"{name}: run make economics"


def test_the_gas_of_the_campaign_is_about_what_the_contracts_take_now() -> None:
    then, now = asdict(recorded_economy().gas), asdict(standard_economy().gas)
    for name, value in now.items():
        assert 0.75 * then[name] <= value <= 1.25 * then[name], f"{name} was {then[name]} and is {value}; run make economics"


def test_cheating_is_unprofitable_in_every_cell() -> None:
    rows = FIGURES["cells"]
    assert {(row["harm"], row["intervals"]) for row in rows} == {(h, n) for h in (0.0, 0.1, 1.0) for n in (10, 50, 200)}
    for row in rows:
        assert row["simulated"] + 3 * row["error"] < 0, row


def test_without_harm_and_with_50_intervals_overhead_and_stake_keep_their_limits() -> None:
    rows = [row for row in FIGURES["cells"] if row["is_default"] and row["harm"] == 0 and row["intervals"] >= 50]
    assert len(rows) == 2
    for row in rows:
        assert row["overhead"]["total"] <= 0.05
        assert row["stake"] <= 5


def test_the_default_rate_is_the_only_whole_percentage_within_both_limits() -> None:
    economy, count = recorded_economy(), cheating.DEFAULT_INTERVALS
    within = [
        percent
        for percent in range(1, 101)
        if costs.overhead(economy, count, 0, percent / 100)["total"] <= 0.05 and cheating_stake(economy, count, percent / 100) <= 5
    ]
    assert within == [round(100 * cheating.DEFAULT_RATE)]


def cheating_stake(economy: Economy, count: int, rate: float) -> float:
    return economy.stake(count, 0, rate) / 10**9


def test_the_defaults_of_the_command_line_and_the_library_are_the_recommended_ones() -> None:
    rate = cheating.DEFAULT_RATE
    for command in (quote, submit):
        option = next(each for each in command.params if each.name == "audit_rate")
        assert option.default == 100 * rate
    assert inspect.signature(Market.submit).parameters["audit_rate"].default == rate
    offered = next(field for field in fields(Offer) if field.name == "audit_rate")
    assert offered.default == round(rate * 1_000_000)
    for steps in (100, 1_000, 12_345, 1 << 20):
        count = -(-steps // default_interval(steps))
        assert 0.8 * cheating.DEFAULT_INTERVALS <= count <= cheating.DEFAULT_INTERVALS


def test_every_deployments_shares_are_those_of_the_campaign() -> None:
    supposed = FIGURES["assumptions"]["parameters"]
    testnet: dict[str, Any] = tomllib.loads((ROOT / "deployments" / "parameters" / "testnet.toml").read_text())["market"]
    devnet = asdict(devnet_parameters("0x" + "00" * 20))
    assert set(testnet) <= {field.name for field in fields(MarketParameters)}
    for name in SHARES:
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        assert supposed[snake] == testnet[name] == devnet[name]
