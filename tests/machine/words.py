"""Words that break arithmetic: special values, and random mixtures of them with ordinary numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

SPECIAL_FLOATS: tuple[int, ...] = (
    0x00000000,  # +0
    0x80000000,  # -0
    0x00000001,  # smallest subnormal
    0x80000001,
    0x00000003,
    0x007FFFFF,  # largest subnormal
    0x807FFFFF,
    0x00800000,  # smallest normal
    0x80800000,
    0x00800001,
    0x33800000,  # 2**-24: half a unit in the last place of 1
    0x33800001,
    0x34000000,  # 2**-23
    0x3EAAAAAB,  # 1/3
    0x3F000000,  # 0.5
    0xBF000000,
    0x3F1FFFFF,  # below 0.625
    0x3F200000,
    0x3F35 << 16 | 0x04F3,  # the split of log
    0x3F6B851F,  # 0.92
    0x3F7FFFFF,  # below 1
    0x3F800000,  # 1
    0xBF800000,
    0x3F800001,  # above 1
    0x40490FDB,  # pi
    0x40800000,  # 4
    0x42B17218,  # about ln(max)
    0x42B20000,  # 89
    0xC2CFF1B5,  # about -104
    0xC2D00000,
    0x4B000000,  # 2**23
    0x4B7FFFFF,
    0x4B800000,  # 2**24
    0x4EFFFFFF,  # below 2**31
    0x4F000000,  # 2**31
    0xCF000000,
    0xCF000001,
    0x7F7FFFFF,  # largest finite
    0xFF7FFFFF,
    0x7F800000,  # infinity
    0xFF800000,
    0x7FC00000,  # canonical NaN
    0xFFC00000,
    0x7F800001,  # signalling NaN
    0x7FFFFFFF,
    0xFFFFFFFF,
)

SPECIAL_INTEGERS: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    0xFFFFFFFF,  # -1
    0xFFFFFFFE,
    0x80000000,  # -2**31
    0x80000001,
    0x7FFFFFFF,
    0x7FFFFF80,
    0x01000001,  # not a float
    0xFEFFFFFF,
)


def float_words(rng: np.random.Generator, count: int, specials: float = 0.2) -> Words:
    """Float words: mostly of moderate size, some of any bits, and a fraction of special values."""
    moderate = rng.normal(scale=2.0, size=count).astype(np.float32).view(np.uint32)
    anything = rng.integers(0, 2**32, size=count, dtype=np.uint32)
    special = rng.choice(np.array(SPECIAL_FLOATS, dtype=np.uint32), size=count)
    choice = rng.random(count)
    return np.where(choice < specials, special, np.where(choice < 1.5 * specials, anything, moderate)).astype(np.uint32)


def integer_words(rng: np.random.Generator, count: int, specials: float = 0.2) -> Words:
    """Integer words: mostly small ones of both signs, some of any bits, and a fraction of special values."""
    small = rng.integers(-40, 40, size=count).astype(np.int32).view(np.uint32)
    anything = rng.integers(0, 2**32, size=count, dtype=np.uint32)
    special = rng.choice(np.array(SPECIAL_INTEGERS, dtype=np.uint32), size=count)
    choice = rng.random(count)
    return np.where(choice < specials, special, np.where(choice < 2.0 * specials, anything, small)).astype(np.uint32)
