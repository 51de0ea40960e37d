"""Families: jobs that belong together, such as those of a sweep or of a cross-validation, posted and followed under one name.

Each member is an ordinary job. A family is posted member by member; what fails is reported and the others go on. Posted again, also after a
crash, a family goes on where it stood: a member whose job runs or is settled is left alone, others are posted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from touchstone.chain.errors import ChainUnavailableError
from touchstone.errors import TouchstoneError
from touchstone.machine.outcome import Outcome
from touchstone.machine.workload import Workload
from touchstone.roles.errors import UnknownFamilyError
from touchstone.roles.journal import Member, RoleJournal
from touchstone.roles.ledger import Ledger
from touchstone.roles.library import JobLibrary
from touchstone.roles.node import Node
from touchstone.roles.reader import MarketReader
from touchstone.roles.records import Status
from touchstone.roles.status import JobStatus, job_status
from touchstone.roles.submitter import Offer, download_result, post_job, spec_text
from touchstone.store.package import Package

Buildable = Workload | Package | Callable[[], Workload]
"""A member's job, or what makes it; the latter is called when the member's turn comes, and nothing is kept in memory afterwards."""


@dataclass(frozen=True)
class MemberStatus:
    """Where a member of a family stands.

    Attributes:
        label: its name in the family.
        job: number of its job; none when it could not be posted.
        status: of the job; none when there is no job.
        error: why it could not be posted, or its result not be read; else empty.
        figures: what a settled job gave: the last loss, or the metrics.
    """

    label: str
    job: int | None
    status: JobStatus | None
    error: str = ""
    figures: dict[str, object] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more unless it is posted again."""
        return self.status is None or self.status.is_over


def post_family(
    node: Node, name: str, members: Mapping[str, Buildable], offer: Callable[[Package], Offer], mirrors: Sequence[str]
) -> dict[str, int | TouchstoneError]:
    """Post every member that has no job yet, or whose job was cancelled or expired.

    Args:
        node: the submitter's.
        name: of the family.
        members: the jobs by label.
        offer: what is offered for each.
        mirrors: stores that have the packages.

    Returns:
        for each label the number of its job, or why it could not be posted.

    Raises:
        ChainUnavailableError: the chain does not answer; call again.
    """
    posted: dict[str, int | TouchstoneError] = {}
    for label, build in members.items():
        try:
            package = as_package(build)
            terms = offer(package)
            node.journal.add_member(Member(name, label, package.cid, spec_text(package, terms)))
            posted[label] = post_job(node, package, terms, mirrors, keep_settled=True)
        except ChainUnavailableError:
            raise
        except TouchstoneError as error:
            posted[label] = error
    return posted


def as_package(given: Buildable) -> Package:
    """The package of a member. Raises as capture and :meth:`Package.from_workload`."""
    if isinstance(given, Package):
        return given
    return Package.from_workload(given if isinstance(given, Workload) else given())


def family_status(journal: RoleJournal, name: str, reader: MarketReader, library: JobLibrary) -> list[MemberStatus]:
    """Where the members of a family stand, in the order they were posted in.

    Raises UnknownFamilyError for a name that was never posted from this data directory.
    """
    members = journal.members(name)
    if not members:
        known = ", ".join(journal.families()) or "none"
        raise UnknownFamilyError(f"no family {name!r} was posted from this data directory; known: {known}")
    ledger = reader.read().ledger
    return [_member_status(journal, member, ledger, reader, library) for member in members]


def _member_status(journal: RoleJournal, member: Member, ledger: Ledger, reader: MarketReader, library: JobLibrary) -> MemberStatus:
    job = journal.job_of(member)
    if job is None or job not in ledger.jobs:
        return MemberStatus(member.label, job, None, "not posted; submit the family again")
    record = ledger.jobs[job]
    status = job_status(record, reader.job_state(job))
    if record.ended is not Status.SETTLED:
        return MemberStatus(member.label, job, status)
    try:
        package, state = download_result(record, ledger, library)
    except TouchstoneError as error:
        return MemberStatus(member.label, job, status, str(error))
    return MemberStatus(member.label, job, status, figures=Outcome(package.workload, tuple(state)).summary())
