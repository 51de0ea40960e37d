"""What happened to a job, in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchstone.chain.contracts import Event
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.records import Status


@dataclass(frozen=True)
class StoryLine:
    """One thing that happened to a job."""

    block: int
    transaction: str
    event: str
    text: str


def story(record: JobRecord, ledger: Ledger) -> list[StoryLine]:
    """Everything that happened to a job, the moves of its disputes included, in the order of the chain."""
    events = list(record.events)
    for dispute in ledger.disputes.values():
        if dispute.job == record.number:
            events += dispute.events
    events.sort(key=lambda event: (event.block, event.index))
    return [StoryLine(event.block, event.transaction, event.name, describe(event)) for event in events]


def describe(event: Event) -> str:
    """An event as a sentence."""
    write = _SENTENCES.get(event.name)
    return event.name if write is None else write(_Values(event))


class _Values:
    """An event's values, written for people."""

    def __init__(self, event: Event) -> None:
        self._values = event.values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def who(self, name: str) -> str:
        """A shortened address."""
        address = self._values[name]
        return f"{address[:6]}…{address[-4:]}"

    def tokens(self, name: str) -> str:
        """An amount in tokens."""
        return f"{self._values[name] / 10**18:,.6f}".rstrip("0").rstrip(".")

    def span(self, count: int) -> str:
        """So many intervals from ``first`` on."""
        first = self._values["first"]
        return f"interval {first}" if count == 1 else f"intervals {first} to {first + count - 1}"

    @property
    def how(self) -> str:
        """What decided a dispute."""
        return "by proof" if self._values["byProof"] else "by the clock"


def _posted(v: _Values) -> str:
    return f"{v.who('submitter')} posts the job: {v['spec'].steps} steps in {v['intervals']} intervals, escrow {v.tokens('escrow')}"


def _round(v: _Values) -> str:
    terms = f"budget {v.tokens('roundBudget')}, stake {v.tokens('stake')}"
    return f"auction round {v['round']} opens for the intervals from {v['first']} on, {terms}"


def _revealed(v: _Values) -> str:
    leads = ", and leads" if v["leads"] else ""
    return f"{v.who('bidder')} reveals price {v.tokens('price')} and {v['duration']} s, score {v.tokens('score')}{leads}"


def _challenged(v: _Values) -> str:
    what = "seal" if v["isSeal"] else "root"
    return f"{v.who('challenger')} denies the {what} of interval {v['interval']}: dispute {v['dispute']}, bond {v.tokens('bond')}"


def _failed(v: _Values) -> str:
    return f"{v.who('challenger')} loses dispute {v['dispute']} and its bond, {v.tokens('toSolver')} of it to the solver"


def _stake(v: _Values) -> str:
    names = {"toChallenger": "challenger", "toSubmitter": "submitter", "toTreasury": "treasury"}
    shares = [f"{v.tokens(name)} to the {who}" for name, who in names.items()]
    return f"stake of {v.who('solver')}: {v.tokens('toSolver')} back, {', '.join(shares)}"


def _word(v: _Values) -> str:
    place = f"element {v['element']} of node {v['node']} at step {v['step']} of the interval"
    return f"dispute {v['dispute']}: the referee recomputes {place}: 0x{v['right']:08x}, not 0x{v['posted']:08x}"


def _dismissed(v: _Values) -> str:
    return f"{v.who('verifier')} did not answer for interval {v['interval']} and pays {v.tokens('penalty')}"


_SENTENCES: dict[str, Callable[[_Values], str]] = {
    "JobPosted": _posted,
    "RoundOpened": _round,
    "BidCommitted": lambda v: f"{v.who('bidder')} enters a sealed bid",
    "BidRevealed": _revealed,
    "Assigned": lambda v: f"{v.who('solver')} wins and will be paid {v.tokens('payment')}, with {v.tokens('stake')} at stake",
    "CheckpointsCommitted": lambda v: f"{v.who('solver')} commits {v.span(len(v['roots']))}",
    "CheckpointRenewed": lambda v: f"interval {v['interval']} gets a fresh draw",
    "VerifierSummoned": lambda v: f"{v.who('verifier')} is summoned to audit interval {v['interval']}",
    "VerifierDismissed": _dismissed,
    "StateUnavailable": lambda v: f"{v.who('verifier')} can get the state before interval {v['interval']} nowhere",
    "AvailabilityConfirmed": lambda v: f"the submitter has the state before interval {v['interval']}; another verifier is drawn",
    "AttesterPenalised": lambda v: f"{v.who('verifier')} had attested interval {v['interval']} and pays {v.tokens('penalty')}",
    "Attested": lambda v: f"{v.who('verifier')} attests interval {v['interval']} and earns {v.tokens('fee')}",
    "Challenged": _challenged,
    "ChallengeFailed": _failed,
    "Convicted": lambda v: f"{v.who('solver')} is convicted {v.how}; void from interval {v['interval']} on",
    "ChallengeMoot": lambda v: f"dispute {v['dispute']} no longer matters, the bond goes back",
    "Finalised": lambda v: f"{v.span(v['count'])} final, {v.tokens('paid')} paid to {v.who('solver')}",
    "RetainerPaid": lambda v: f"{v.who('solver')} gets {v.tokens('paid')} of the retainer for what is final",
    "AssignmentEnded": lambda v: f"the assignment of {v.who('solver')} ends before interval {v['end']}",
    "StakeSettled": _stake,
    "JobEnded": lambda v: f"the job is {Status(v['status']).name.lower()}, {v.tokens('refund')} refunded",
    "DepositReclaimed": lambda v: f"{v.who('bidder')} takes back {v.tokens('amount')}",
    "DisputeOpened": lambda v: f"dispute {v['dispute']}: {v.who('challenger')} opens with {len(v['points']) - 1} roots",
    "Dissected": lambda v: f"dispute {v['dispute']}: {v.who('mover')} dissects into {len(v['points']) - 1} parts",
    "StepOpened": lambda v: f"dispute {v['dispute']}: {v.who('mover')} opens one step into its nodes",
    "NodeOpened": lambda v: f"dispute {v['dispute']}: {v.who('mover')} opens one node into its chunks",
    "OutputPosted": lambda v: f"dispute {v['dispute']}: {v.who('mover')} posts the output",
    "ChunkPosted": lambda v: f"dispute {v['dispute']}: {v.who('mover')} posts the chunk",
    "CopySettled": lambda v: f"dispute {v['dispute']}: the copy of slot {v['slot']} after step {v['step']} is proven wrong",
    "WordProven": _word,
    "DisputeClosed": lambda v: f"dispute {v['dispute']}: {v.who('winner')} wins {v.how}",
}
