"""What an agent must still know after it was killed, in SQLite: salts of its bids, its checkpoints, its audits, its submissions.

Everything else an agent needs follows from the chain. Each fact is written before the transaction that depends on it is sent, and is on
disk when the writing call returns. Transactions themselves are kept by :mod:`touchstone.chain.journal`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from touchstone.chain.database import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS assessments (
    job INTEGER PRIMARY KEY, accepted INTEGER NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL, memory INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS bids (
    job INTEGER NOT NULL, round INTEGER NOT NULL, price TEXT NOT NULL, duration INTEGER NOT NULL, salt BLOB NOT NULL,
    PRIMARY KEY (job, round)
);
CREATE TABLE IF NOT EXISTS checkpoints (
    job INTEGER NOT NULL, round INTEGER NOT NULL, interval INTEGER NOT NULL, root BLOB NOT NULL, seal BLOB NOT NULL, cid TEXT NOT NULL,
    PRIMARY KEY (job, round, interval)
);
CREATE TABLE IF NOT EXISTS findings (
    job INTEGER NOT NULL, interval INTEGER NOT NULL, root BLOB NOT NULL, seal BLOB NOT NULL, outcome TEXT NOT NULL, before BLOB NOT NULL,
    PRIMARY KEY (job, interval, root, seal)
);
CREATE TABLE IF NOT EXISTS members (
    id INTEGER PRIMARY KEY, family TEXT NOT NULL, label TEXT NOT NULL, package TEXT NOT NULL, spec TEXT NOT NULL, UNIQUE (family, label)
);
CREATE TABLE IF NOT EXISTS submissions (
    id INTEGER PRIMARY KEY, package TEXT NOT NULL, spec TEXT NOT NULL, mirrors TEXT NOT NULL, job INTEGER
);
CREATE TABLE IF NOT EXISTS timings (
    id INTEGER PRIMARY KEY, job INTEGER NOT NULL, activity TEXT NOT NULL, seconds REAL NOT NULL, steps INTEGER NOT NULL
);
"""


_ADD_TIMING = "INSERT INTO timings (job, activity, seconds, steps) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class Assessment:
    """Whether a solver takes a job, and why not; seconds of training and bytes of memory it would take."""

    job: int
    accepted: bool
    reason: str
    seconds: float
    memory: int


@dataclass(frozen=True)
class Bid:
    """A bid of this account. Whoever knows the salt before the reveal knows the bid."""

    job: int
    round: int
    price: int
    duration: int
    salt: bytes


@dataclass(frozen=True)
class TrainedCheckpoint:
    """A checkpoint this solver has computed and stored: state root, seal and blob."""

    job: int
    round: int
    interval: int
    root: bytes
    seal: bytes
    cid: str


@dataclass(frozen=True)
class Finding:
    """What a verifier found about a committed checkpoint (identified by its root and seal).

    ``outcome`` is ``right``, ``wrong root`` or ``wrong seal``; ``before`` is the verifier's own state root one step before the end.
    """

    job: int
    interval: int
    root: bytes
    seal: bytes
    outcome: str
    before: bytes


@dataclass(frozen=True)
class Submission:
    """A job to be posted, or posted as number ``job``. ``spec`` and ``mirrors`` are JSON."""

    id: int
    package: str
    spec: str
    mirrors: str
    job: int | None


@dataclass(frozen=True)
class Member:
    """A job of a family: what is, or is to be, posted under ``label``. ``spec`` is JSON, as of a submission."""

    family: str
    label: str
    package: str
    spec: str


@dataclass(frozen=True)
class Timing:
    """How long an activity (``training``, ``sealing``, ``auditing``) for a job took, over so many steps if it computed any."""

    job: int
    activity: str
    seconds: float
    steps: int = 0


class RoleJournal:
    """One SQLite file; usable from several threads, and from several processes of one account."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._database = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def assessment(self, job: int) -> Assessment | None:
        """What was found about a job."""
        row = self._one("SELECT * FROM assessments WHERE job = ?", (job,))
        return None if row is None else Assessment(row[0], bool(row[1]), row[2], row[3], row[4])

    def add_assessment(self, fact: Assessment) -> None:
        """Record what was found about a job, in place of what was found before."""
        self._write("INSERT OR REPLACE INTO assessments VALUES (?, ?, ?, ?, ?)", astuple(fact))

    def bid(self, job: int, round_number: int) -> Bid | None:
        """The bid made, or to be made, in a round."""
        row = self._one("SELECT * FROM bids WHERE job = ? AND round = ?", (job, round_number))
        return None if row is None else Bid(row[0], row[1], int(row[2]), row[3], row[4])

    def add_bid(self, fact: Bid) -> Bid:
        """Record a bid, unless there is one for the round already; returns the one that counts."""
        values = (fact.job, fact.round, str(fact.price), fact.duration, fact.salt)
        self._write("INSERT OR IGNORE INTO bids VALUES (?, ?, ?, ?, ?)", values)
        kept = self.bid(fact.job, fact.round)
        assert kept is not None
        return kept

    def checkpoints(self, job: int, round_number: int) -> dict[int, TrainedCheckpoint]:
        """Checkpoints computed in a round, by interval."""
        rows = self._all("SELECT * FROM checkpoints WHERE job = ? AND round = ? ORDER BY interval", (job, round_number))
        return {row[2]: TrainedCheckpoint(*row) for row in rows}

    def add_checkpoint(self, fact: TrainedCheckpoint, timings: Sequence[Timing] = ()) -> None:
        """Record a checkpoint whose blob is in the store, and how long it took."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)", astuple(fact))
            self._database.executemany(_ADD_TIMING, [astuple(timing) for timing in timings])
            self._database.execute("COMMIT")

    def finding(self, job: int, interval: int, root: bytes, seal: bytes) -> Finding | None:
        """What was found about a committed checkpoint."""
        row = self._one("SELECT * FROM findings WHERE job = ? AND interval = ? AND root = ? AND seal = ?", (job, interval, root, seal))
        return None if row is None else Finding(*row)

    def add_finding(self, fact: Finding) -> None:
        """Record what was found about a committed checkpoint."""
        self._write("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?)", astuple(fact))

    def submissions(self) -> list[Submission]:
        """All submissions, oldest first."""
        return [Submission(*row) for row in self._all("SELECT * FROM submissions ORDER BY id", ())]

    def add_submission(self, package: str, spec: str, mirrors: str) -> Submission:
        """Record a job that is about to be posted; an equal one that is not posted yet is taken up again."""
        with self._lock:
            for waiting in self.submissions():
                if waiting.job is None and (waiting.package, waiting.spec) == (package, spec):
                    self._write("UPDATE submissions SET mirrors = ? WHERE id = ?", (mirrors, waiting.id))
                    return Submission(waiting.id, package, spec, mirrors, None)
            self._write("INSERT INTO submissions (package, spec, mirrors) VALUES (?, ?, ?)", (package, spec, mirrors))
            return self.submissions()[-1]

    def posted(self, submission: int, job: int) -> None:
        """Record the number a submission was posted under."""
        self._write("UPDATE submissions SET job = ? WHERE id = ?", (job, submission))

    def members(self, family: str) -> list[Member]:
        """The members of a family, in the order they were added in."""
        rows = self._all("SELECT family, label, package, spec FROM members WHERE family = ? ORDER BY id", (family,))
        return [Member(*row) for row in rows]

    def families(self) -> list[str]:
        """Names of all families, sorted."""
        return [row[0] for row in self._all("SELECT DISTINCT family FROM members ORDER BY family", ())]

    def add_member(self, fact: Member) -> None:
        """Record what a label of a family stands for, in place of what it stood for before."""
        self._write(
            "INSERT INTO members (family, label, package, spec) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (family, label) DO UPDATE SET package = excluded.package, spec = excluded.spec",
            astuple(fact),
        )

    def job_of(self, member: Member) -> int | None:
        """The last job that was posted for a member's package and specification."""
        found = [each.job for each in self.submissions() if (each.package, each.spec) == (member.package, member.spec)]
        return next((job for job in reversed(found) if job is not None), None)

    def add_timing(self, timing: Timing) -> None:
        """Record how long something took, for people; no decision depends on it."""
        self._write(_ADD_TIMING, astuple(timing))

    def timings(self) -> list[Timing]:
        """All timings, oldest first."""
        return [Timing(*row) for row in self._all("SELECT job, activity, seconds, steps FROM timings ORDER BY id", ())]

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        rows = self._all(query, values)
        return rows[0] if rows else None

    def _all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock:
            self._database.execute(statement, values)
