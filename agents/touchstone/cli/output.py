"""What a command prints: results on standard output (text or JSON), progress and remarks on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


class Output:
    """Prints for people, or JSON for programs: then nothing but one object per line goes to standard output, and no progress is shown."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._results = Console(soft_wrap=True, highlight=False)
        self._remarks = Console(stderr=True, highlight=False, quiet=as_json)

    def result(self, values: Mapping[str, object], text: str | None = None) -> None:
        """Print a result: ``values`` as JSON; for people ``text``, or the values as two columns."""
        if self.as_json:
            click.echo(json.dumps(values, default=str))
        elif text is not None:
            click.echo(text)
        else:
            width = max((len(name) for name in values), default=0)
            for name, value in values.items():
                click.echo(f"{name.replace('_', ' '):<{width}}  {value}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], name: str) -> None:
        """Print rows; as JSON, an object with a list of objects under ``name``."""
        if self.as_json:
            keys = [column.lower().replace(" ", "_") for column in columns]
            click.echo(json.dumps({name: [dict(zip(keys, row, strict=True)) for row in rows]}, default=str))
            return
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self._results.print(table)

    def say(self, text: str) -> None:
        """Remark something to people."""
        self._remarks.print(text, markup=False)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """A spinner while something of unknown length runs."""
        with self._remarks.status(text):
            yield

    @contextmanager
    def progress(self, in_bytes: bool = False) -> Iterator[Progress]:
        """A rich progress display: ``task = progress.add_task("text", total=n)``, ``progress.update(task, completed=i)``."""
        amount = [DownloadColumn()] if in_bytes else [TextColumn("{task.completed:.0f}/{task.total:.0f}")]
        columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *amount, TimeElapsedColumn(), TimeRemainingColumn()]
        with Progress(*columns, console=self._remarks, disable=self.as_json or not self._remarks.is_terminal) as progress:
            yield progress
