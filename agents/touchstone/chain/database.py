"""How journals are kept: one SQLite file that survives a kill at any instant."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_BUSY_SECONDS = 30.0


def open_database(path: Path | str, schema: str) -> sqlite3.Connection:
    """Open, or make, a journal's file with the tables of ``schema``.

    What was committed is on disk (write-ahead log, full synchronisation); other processes wait for each other up to half a minute. The
    connection may be used from several threads that lock among themselves; transactions are begun and ended explicitly.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(schema)
    return database
