"""Options about what a submitter asks for and pays, the same for every command that posts or prices a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.amounts import TOKENS

if TYPE_CHECKING:
    from touchstone.roles.submitter import Offer
    from touchstone.store.package import Package

MILLIONTHS_PER_PERCENT = 10_000

_TERMS: list[Callable[..., Any]] = [
    click.option("--interval", type=click.IntRange(min=2), help="Steps between checkpoints; a fiftieth of the job by default."),
    click.option(
        "--audit-rate", type=click.FloatRange(0, 100, min_open=True), default=3.0, show_default=True, help="Percent of intervals checked."
    ),
    click.option(
        "--deadline", type=click.IntRange(min=1), default=3600, show_default=True, help="Longest duration a bid may promise, seconds."
    ),
    click.option(
        "--value-of-time", type=TOKENS, default=1, help="What one second of delay costs you, in tokens; nearly nothing by default."
    ),
    click.option("--harm", type=TOKENS, default=0, help="What a false result would cost you beyond the price, in tokens; 0 by default."),
]


def with_terms(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an offer but its budget."""
    for option in reversed(_TERMS):
        function = option(function)
    return function


def offer_for(package: Package, options: dict[str, Any]) -> Offer:
    """The offer that the options, ``budget`` among them, make for a package."""
    from touchstone.roles.records import default_interval
    from touchstone.roles.submitter import Offer

    return Offer(
        budget=options["budget"],
        interval_steps=options["interval"] or default_interval(package.workload.steps),
        deadline=options["deadline"],
        audit_rate=round(options["audit_rate"] * MILLIONTHS_PER_PERCENT),
        value_of_time=options["value_of_time"],
        harm=options["harm"],
    )
