"""``touchstone quote``: what a job computes, what it probably costs and takes, and what it asks of a solver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.amounts import TOKENS, show_amount
from touchstone.cli.offers import MILLIONTHS_PER_PERCENT, offer_for, with_terms
from touchstone.cli.submit import argument
from touchstone.cli.workload import load_package
from touchstone.cli.workspace import Workspace, with_workspace

if TYPE_CHECKING:
    from touchstone.machine.workload import Workload
    from touchstone.roles.reasons import Choice
    from touchstone.roles.records import JobSpec

_MOST_BYTES = 4 << 30


@click.command()
@click.argument("workload", type=click.Path(path_type=Path))
@click.option("--budget", type=TOKENS, help="Most to pay, in tokens. Without it no chain is asked, unless for --past.")
@click.option("--rate", type=TOKENS, help="Price of 10^12 operations, in tokens, for the expected price.")
@click.option("--past", is_flag=True, help="Expect the price that the latest settled jobs of the market were paid.")
@click.option("--trial/--no-trial", default=True, show_default=True, help="Run three steps here to tell how long the job takes.")
@click.option("--set", "arguments", multiple=True, metavar="NAME=VALUE", help="Argument for build_workload(); JSON, or else a text.")
@with_terms
@with_workspace("chain", "data")
def quote(workspace: Workspace, /, workload: Path, **options: Any) -> None:
    """Describe and price the job in WORKLOAD, a package's folder or a Python file with a function build_workload().

    What cannot run is refused by the operator's name and the module's path.
    """
    from touchstone.machine.profile import inspect
    from touchstone.roles.records import default_interval

    with workspace.output.waiting("Reading the workload"):
        package = load_package(workload, dict(argument(text) for text in options["arguments"]))
    found = package.workload
    interval = options["interval"] or default_interval(found.steps)
    values: dict[str, Any] = inspect(found).figures()
    values |= {"interval_steps": interval, "checkpoints": -(-found.steps // interval)}
    values |= _expected_time(workspace, found) if options["trial"] else {}
    values |= _expected_price(workspace, found, options["rate"], options["past"])
    if options["budget"] is not None:
        from touchstone.roles.submitter import job_spec_of

        values |= _terms(workspace, job_spec_of(package, offer_for(package, options)))
    workspace.output.result(values, _text(values))


def _expected_time(workspace: Workspace, workload: Workload) -> dict[str, object]:
    """How long the job takes on this machine; nothing where the runtime is not built."""
    from touchstone.machine.runtime import NativeMachine, NativeRuntimeError
    from touchstone.roles.estimate import trial_seconds

    try:
        with workspace.output.waiting("Running three steps"):
            seconds = trial_seconds(NativeMachine(workload.program, workload.constants), workload)
    except NativeRuntimeError as error:
        workspace.output.say(f"no time is estimated: {error}")
        return {}
    return {"seconds_per_step_here": round(seconds, 6), "seconds_here": round(seconds * workload.steps, 3)}


def _expected_price(workspace: Workspace, workload: Workload, rate: int | None, past: bool) -> dict[str, object]:
    from touchstone.roles.estimate import expected_price, going_rate
    from touchstone.roles.library import JobLibrary
    from touchstone.roles.reader import MarketReader
    from touchstone.store.local import LocalStore

    if rate is not None:
        return {"expected_price": show_amount(expected_price(workload, rate)), "price_from": f"{show_amount(rate)} for 10^12 operations"}
    if not past:
        return {}
    with workspace.output.waiting("Looking at past jobs"):
        library = JobLibrary(LocalStore(workspace.data / "store"), _MOST_BYTES)
        going = going_rate(MarketReader(workspace.client).read().ledger, library)
    if going is None:
        return {"expected_price": "unknown", "price_from": "no job is settled yet"}
    source = f"the median of {going.jobs} settled jobs, {show_amount(going.per_tera)} for 10^12 operations"
    return {"expected_price": show_amount(expected_price(workload, going.per_tera)), "price_from": source}


def _terms(workspace: Workspace, spec: JobSpec) -> dict[str, object]:
    """What the market computes, and why the stake is what it is."""
    from touchstone.roles.reader import MarketReader
    from touchstone.roles.reasons import stake_reasons

    answer = workspace.client.read("JobMarket", "quote", spec)
    reasons = stake_reasons(spec, MarketReader(workspace.client).parameters())
    return {
        "checkpoints": answer.intervals,
        "escrow": show_amount(answer.escrow),
        "audit_reserve": show_amount(answer.auditReserve),
        "posting_bond": show_amount(answer.postingBond),
        "stake": show_amount(answer.stake),
        "stake_reason": (
            f"a false interval gains {show_amount(reasons.gain)} and is audited by an honest verifier "
            f"with a chance of {reasons.chance:.2%}; the stake makes that lose twice what it gains"
        ),
        "bid_deposit": show_amount(answer.deposit),
        "audit_fee": show_amount(answer.auditFee),
        "challenge_bond": show_amount(answer.challengeBond),
        "stake_by_audit_rate": {_percent(each): show_amount(each.stake) for each in reasons.by_rate},
        "audits_cost_by_audit_rate": {_percent(each): show_amount(each.audits) for each in reasons.by_rate},
        "stake_by_checkpoints": {str(each.intervals): show_amount(each.stake) for each in reasons.by_intervals},
    }


def _percent(choice: Choice) -> str:
    return f"{choice.audit_rate // MILLIONTHS_PER_PERCENT}%"


def _text(values: Mapping[str, Any]) -> str:
    """One value per line, numbers with separators; then what has parts."""
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines.append(f"{name.replace('_', ' ')}:")
            lines += [f"  {part:<22}{_shown(each)}" for part, each in value.items()]
        else:
            lines.append(f"{name.replace('_', ' '):<24}{_shown(value)}")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
