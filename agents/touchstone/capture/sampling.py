"""Our own counter-based generator, as the machine has it: the same on every machine and for every library version."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)

HOST_STREAM = 1  # fourth counter word; programs use 0 there (docs/specification/machine.md, section 3.6)


def key_of(seed: int) -> tuple[int, int]:
    """The two key words of a 64-bit seed, low word first."""
    return seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF


def philox(key: tuple[int, int], counters: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Philox4x32-10 (Salmon et al., SC'11).

    Args:
        key: two 32-bit words.
        counters: uint32 of shape [n, 4].

    Returns:
        uint32 of shape [n, 4].
    """
    c0, c1, c2, c3 = (counters[:, k].astype(np.uint64) for k in range(4))
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = c0 * np.uint64(_MULTIPLIERS[0]), c2 * np.uint64(_MULTIPLIERS[1])
        high0, high1 = p0 >> np.uint64(32), p1 >> np.uint64(32)
        c0, c1, c2, c3 = high1 ^ c1 ^ np.uint64(k0), p1 & _MASK, high0 ^ c3 ^ np.uint64(k1), p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def program_words(key: tuple[int, int], site: int, step: int, count: int) -> npt.NDArray[np.uint32]:
    """The first ``count`` words that a program's ``philox`` node of this site gives at this step."""
    counters = np.zeros((-(-count // 4), 4), dtype=np.uint32)
    counters[:, 0] = np.arange(len(counters))
    counters[:, 1], counters[:, 2] = site, step
    return philox(key, counters).reshape(-1)[:count]


def permutation(key: tuple[int, int], epoch: int, count: int) -> npt.NDArray[np.int32]:
    """The order of ``count`` samples in one epoch: sorted by a random 64-bit number each."""
    counters = np.zeros((count, 4), dtype=np.uint32)
    counters[:, 0] = np.arange(count)
    counters[:, 2], counters[:, 3] = epoch, HOST_STREAM
    words = philox(key, counters).astype(np.uint64)
    return np.argsort(words[:, 0] << np.uint64(32) | words[:, 1], kind="stable").astype(np.int32)
