"""Moves and challenges: from an agent's own replay to a transaction of the court or the market."""

from __future__ import annotations

from touchstone.dispute.moves import contract_call
from touchstone.dispute.state import Claim
from touchstone.roles.actions import Challenge, Move, Send
from touchstone.roles.boards import board_of
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.roles.library import JobLibrary
from touchstone.roles.records import NO_CHECKPOINT
from touchstone.roles.truths import Interval, Truths
from touchstone.roles.view import View


def next_move(action: Move, view: View, library: JobLibrary, truths: Truths) -> Send | None:
    """The move to make in a dispute, or None when the dispute has gone on meanwhile.

    Raises:
        NothingToDenyError: what the other side posted agrees with the own replay.
        StoreUnavailableError, BlobNotFoundError, CorruptDataError: the state the interval starts from is nowhere to be had.
    """
    dispute = view.ledger.disputes[action.dispute]
    board = board_of(dispute)
    if len(dispute.events) != action.turn or board.verdict is not None:
        return None
    claim = board.claim
    interval = _interval(view.ledger.jobs[claim.job], view.ledger, claim.start_root, claim.steps, library, truths)
    with interval.lock:
        move = interval.player.answer(board)
    function, arguments = contract_call(dispute.number, board.state, move)
    key = f"dispute {dispute.number} move {action.turn}"
    return Send("Court", function, arguments, key, f"move in dispute {dispute.number}: {function}", urgent=True)


def opening(action: Challenge, view: View, library: JobLibrary, truths: Truths) -> Send | None:
    """The challenge of an interval, or None when its checkpoint is void by now.

    Raises:
        NothingToDenyError: the checkpoint is right.
    """
    job = view.ledger.jobs[action.job]
    commitment, root = job.commitments.get(action.interval), job.root_before(action.interval)
    if commitment is None or root is None:
        return None
    end = commitment.checkpoint
    steps = job.spec.length(action.interval)
    start = job.commitments[action.interval - 1].checkpoint if action.interval else NO_CHECKPOINT
    claim = Claim(
        program_root=job.spec.program_root,
        constants_root=job.spec.constants_root,
        start_root=root,
        target=end.seal if action.is_seal else end.root,
        job=job.number,
        interval=action.interval,
        steps=steps,
        is_seal=action.is_seal,
        solver=commitment.solver,
        challenger=view.me,
        clock=view.parameters.clock,
        increment=view.parameters.increment,
    )
    interval = interval_of(job, view.ledger, action.interval, library, truths)
    with interval.lock:
        roots = interval.player.opening(claim)
    what = "seal" if action.is_seal else "root"
    return Send(
        *("JobMarket", "challenge", (job.number, action.interval, action.is_seal, job.spec, start, end, list(roots))),
        key=f"job {job.number} round {commitment.round} interval {action.interval} challenge {what}",
        why=f"challenge the {what} of interval {action.interval} of job {job.number}",
    )


def interval_of(job: JobRecord, ledger: Ledger, number: int, library: JobLibrary, truths: Truths) -> Interval:
    """The own replay of an interval whose start is committed. Raises LookupError when it is not, and as :meth:`JobLibrary.state`."""
    root = job.root_before(number)
    if root is None:
        raise LookupError(f"interval {number} of job {job.number} has no start yet")
    return _interval(job, ledger, root, job.spec.length(number), library, truths)


def _interval(job: JobRecord, ledger: Ledger, root: bytes, steps: int, library: JobLibrary, truths: Truths) -> Interval:
    package = library.package(job, ledger)
    return truths.interval(package, root, library.state(job, ledger, root), steps)
