"""Packages and states of jobs, from the own store or the stores of those who should have them, always checked."""

from __future__ import annotations

import threading
from collections import OrderedDict

from touchstone.commitment.roots import program_root
from touchstone.machine.program import Program, decode
from touchstone.machine.validity import check
from touchstone.machine.workload import Array
from touchstone.roles.errors import PackageMismatchError
from touchstone.roles.ledger import JobRecord, Ledger
from touchstone.store.errors import StoreUnavailableError
from touchstone.store.fetch import Fetcher, Progress
from touchstone.store.local import LocalStore
from touchstone.store.package import Package, fetch_manifest
from touchstone.store.remote import RemoteStore

_KEPT_PACKAGES = 4


class JobLibrary:
    """Brings what a job needs.

    Args:
        store: the own store; everything fetched stays there.
        max_bytes: most bytes of one package or state.
        progress: called with the bytes received of what is being fetched.
    """

    def __init__(self, store: LocalStore, max_bytes: int, progress: Progress | None = None) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._progress = progress
        self._packages: OrderedDict[str, Package] = OrderedDict()
        self._lock = threading.Lock()

    def package(self, job: JobRecord, ledger: Ledger) -> Package:
        """The job's package, checked to be what the job was posted with.

        Raises:
            PackageMismatchError: it is a package, but of another job.
            InvalidPackageError, InvalidProgramError: it is no valid package.
            StoreUnavailableError, BlobNotFoundError, CorruptDataError: nobody who was asked has it.
        """
        with self._lock:
            known = self._packages.get(job.package)
        if known is None:
            # Not under the lock: a store that hangs must not hold up the work on other jobs.
            known = Package.fetch(job.package, self._fetcher(job, ledger), self._max_bytes, self._progress)
        check_package(job, known)
        with self._lock:
            self._packages[job.package] = known
            self._packages.move_to_end(job.package)
            if len(self._packages) > _KEPT_PACKAGES:
                self._packages.popitem(last=False)
        return known

    def program(self, job: JobRecord, ledger: Ledger) -> Program:
        """The job's program alone, checked against the root it was posted with. Raises as :meth:`package`."""
        fetcher = self._fetcher(job, ledger)
        part = fetch_manifest(job.package, fetcher).program
        program = decode(fetcher.get(part.cid, min(part.bytes, self._max_bytes)))
        check(program)
        if program_root(program) != job.spec.program_root:
            raise _mismatch("program", job)
        return program

    def state(self, job: JobRecord, ledger: Ledger, root: bytes) -> list[Array]:
        """The state of the job with this root. Raises as :meth:`package`."""
        package = self.package(job, ledger)
        if root == package.state_root:
            return list(package.workload.state)
        return self._fetcher(job, ledger).state(root, package.workload.program, self._max_bytes, self._progress)

    def _fetcher(self, job: JobRecord, ledger: Ledger) -> Fetcher:
        return Fetcher(self._store, [store for store in map(_remote, sources(job, ledger)) if store is not None])


def sources(job: JobRecord, ledger: Ledger) -> list[str]:
    """Addresses of the stores that should have the job's data: its mirrors, its submitter's, and its solvers'."""
    solvers = [current.assignment.solver for current in list(job.rounds.values()) if current.assignment is not None]
    announced = [ledger.endpoints[account] for account in (job.submitter, *reversed(solvers)) if account in ledger.endpoints]
    return list(dict.fromkeys([*job.mirrors, *announced]))


def check_package(job: JobRecord, package: Package) -> None:
    """Refuse a package that is not what the job was posted with. Raises PackageMismatchError."""
    spec = job.spec
    posted = (spec.program_root, spec.constants_root, spec.initial_root, spec.steps)
    found = (package.program_root, package.constants_root, package.state_root, package.workload.steps)
    for name, wanted, given in zip(("program", "constants", "initial state", "number of steps"), posted, found, strict=True):
        if wanted != given:
            raise _mismatch(name, job)


def _mismatch(what: str, job: JobRecord) -> PackageMismatchError:
    return PackageMismatchError(f"the {what} of package {job.package} is not the one job {job.number} was posted with; skip the job")


def _remote(address: str) -> RemoteStore | None:
    """A client of an announced store; None when the address, which anybody may have written, is unusable."""
    try:
        return RemoteStore(address)
    except StoreUnavailableError:
        return None
