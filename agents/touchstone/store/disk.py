"""Writing large blobs: past the page cache where the system lets us, which costs the processor a third of a copy through it.

While a solver trains, every processor is busy, and what storing a checkpoint takes from them is lost to the training.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from typing import BinaryIO

import numpy as np

from touchstone.store.cid import Buffer


def page_aligned(size: int) -> memoryview:
    """Memory of ``size`` bytes from the beginning of a page on, as :func:`write_all` likes it."""
    pages = np.empty(size + mmap.PAGESIZE, dtype=np.uint8)
    start = -pages.ctypes.data % mmap.PAGESIZE
    return pages[start : start + size].data


def write_all(file: BinaryIO, data: Buffer) -> None:
    """Append ``data`` to a new, unbuffered file; whole pages go straight to the disk when the memory and the file system allow it."""
    view = memoryview(data).cast("B")
    whole = len(view) // mmap.PAGESIZE * mmap.PAGESIZE
    done = _write_past_cache(file.fileno(), view[:whole]) if whole and _address(view) % mmap.PAGESIZE == 0 else 0
    while done < len(view):
        done += os.write(file.fileno(), view[done:])


def flush_to_disk(file: BinaryIO) -> None:
    """Return when everything written to ``file`` survives a loss of power."""
    file.flush()
    os.fsync(file.fileno())


def _write_past_cache(descriptor: int, pages: memoryview) -> int:
    """Write ``pages`` without the page cache; returns how many bytes, 0 where that cannot be done."""
    direct = getattr(os, "O_DIRECT", 0)
    if not direct:
        return 0
    flags, done = fcntl.fcntl(descriptor, fcntl.F_GETFL), 0
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | direct)
        while done < len(pages):
            done += os.write(descriptor, pages[done:])
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: this file system does not do it, or not from here on
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return done


def _address(view: memoryview) -> int:
    return np.frombuffer(view, dtype=np.uint8).ctypes.data
