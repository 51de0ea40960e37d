"""A pytest plugin, ``-p tests.machine.emulation.plugin``: the native runtime is the one of the command in ``EMULATED_RUNTIME``.

It puts itself in the library's place before the runtime or any test is imported, so the same tests hold another processor to the same bits.
"""

from __future__ import annotations

import os
import shlex
from functools import cache

from tests.machine.emulation.library import EmulatedLibrary
from touchstone.machine.native import library


@cache
def emulated() -> EmulatedLibrary:
    """The one emulated process of this test run."""
    return EmulatedLibrary(shlex.split(os.environ["EMULATED_RUNTIME"]))


library.library = emulated  # type: ignore[assignment]
