"""Work beside the loop, in threads that do not keep a process alive: an agent may be cut off anywhere and loses nothing by it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Result = TypeVar("Result")


def in_background(function: Callable[[], Result], gate: AbstractContextManager[object] | None = None) -> Future[Result]:
    """Run ``function`` in a daemon thread once ``gate`` lets it through, and return its future."""
    future: Future[Result] = Future()

    def run() -> None:
        with gate if gate is not None else nullcontext():
            try:
                result = function()
            except BaseException as error:  # handed on to whoever asks the future
                future.set_exception(error)
            else:
                future.set_result(result)

    threading.Thread(target=run, daemon=True).start()
    return future
