"""Operands for arithmetic on binary32 words that reach every branch: specials, near ties, cancellation, underflow, overflow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.machine.words import SPECIAL_FLOATS, SPECIAL_INTEGERS, float_words, integer_words

Words = npt.NDArray[np.uint32]


CHAIN_KINDS = ("ordinary", "zeros", "edge", "special", "subnormal", "cancelling", "vanishing", "tiny", "minus zero", "mixed")


def float_triples(rng: np.random.Generator, count: int) -> Words:
    """At least ``count`` rows of three words, from seven kinds in equal parts and every pair of special values."""
    part = count // 7 + 1
    kinds = [
        rng.integers(0, 2**32, (part, 3), dtype=np.uint32),
        float_words(rng, 3 * part).reshape(part, 3),
        _near(rng, part),
        _cancelling_sums(rng, part),
        _cancelling_products(rng, part),
        _with_product_exponent(rng, part, 127 + rng.integers(-160, -110, part)),
        _with_product_exponent(rng, part, 127 + rng.integers(120, 134, part)),
        _special_triples(rng),
    ]
    return np.concatenate(kinds)


def integer_triples(rng: np.random.Generator, count: int) -> Words:
    """At least ``count`` rows of three i32 words, and every pair of special values."""
    specials = _pairs(np.array(SPECIAL_INTEGERS, dtype=np.uint32), rng)
    anything = rng.integers(0, 2**32, (count // 2 + 1, 3), dtype=np.uint32)
    return np.concatenate([integer_words(rng, 3 * (count // 2 + 1)).reshape(-1, 3), anything, specials])


def chain_rows(rng: np.random.Generator, terms: int, kind: str) -> tuple[Words, Words]:
    """Two rows for a dot product, of one of these kinds or ``mixed``: all of them by turns of eight terms.

    ``edge`` is at the limits of the fast path; ``vanishing`` cancels down to what only a subnormal can hold; ``minus zero`` underflows to
    −0 and stays there; the chain of ``tiny`` is subnormal all along.
    """
    if kind == "mixed":
        kinds = rng.choice(CHAIN_KINDS[:-1], -(-terms // 8))
        pieces = [chain_rows(rng, 8, str(piece)) for piece in kinds]
        return np.concatenate([a for a, _ in pieces])[:terms], np.concatenate([b for _, b in pieces])[:terms]
    a = rng.normal(size=terms).astype(np.float32).view(np.uint32)
    b = rng.normal(scale=0.05, size=terms).astype(np.float32).view(np.uint32)
    if kind == "zeros":
        a = np.where(rng.random(terms) < 0.5, a & np.uint32(0x80000000), a)
    elif kind == "edge":
        exponents = rng.integers(1, 254, terms)
        partners = np.clip(rng.choice([150, 151, 152, 254, 316, 317, 318], terms) - exponents, 0, 254)
        a, b = _words(rng, exponents), _words(rng, partners)
    elif kind == "special":
        a, b = float_words(rng, terms), float_words(rng, terms)
    elif kind == "subnormal":
        a = a & np.uint32(0x807FFFFF)
    elif kind == "cancelling":
        a[1::2] = a[: 2 * (terms // 2) : 2] ^ np.uint32(0x80000000)
        b[1::2] = b[: 2 * (terms // 2) : 2]
    elif kind == "vanishing":
        exponents = rng.integers(40, 90, terms)
        a, b = _words(rng, exponents), _words(rng, rng.integers(130, 160, terms) - exponents)
        a[1::2] = a[: 2 * (terms // 2) : 2] ^ np.uint32(0x80000000)
        b[1::2] = b[: 2 * (terms // 2) : 2]
    elif kind == "minus zero":
        a, b = np.full(terms, 0x80000000, dtype=np.uint32), b & np.uint32(0x7FFFFFFF)
        a[0], b[0] = 0x80000001, 0x3E800000
    elif kind == "tiny":
        a, b = _words(rng, rng.integers(0, 20, terms)), _words(rng, rng.integers(0, 60, terms))
    return a, b


def _words(rng: np.random.Generator, exponents: npt.NDArray[np.int64]) -> Words:
    """Words with these exponent fields, random signs, and fractions that are often all ones, all zeros or nearly so."""
    fractions = rng.integers(0, 2**23, exponents.shape)
    choice = rng.random(exponents.shape)
    fractions = np.where(choice < 0.2, fractions & 0x700001, fractions)
    fractions = np.where(choice > 0.8, 0x7FFFFF - (fractions & 3), fractions)
    signs = rng.integers(0, 2, exponents.shape)
    return (signs << 31 | exponents << 23 | fractions).astype(np.uint32)


def _near(rng: np.random.Generator, count: int) -> Words:
    return _words(rng, rng.integers(100, 156, (count, 3)))


def _cancelling_sums(rng: np.random.Generator, count: int) -> Words:
    """a + b cancels up to a few units in the last place."""
    words = _near(rng, count)
    words[:, 1] = (words[:, 0] ^ np.uint32(0x80000000)) + rng.integers(-3, 4, count).astype(np.uint32)
    return words


def _cancelling_products(rng: np.random.Generator, count: int) -> Words:
    """a · b + c cancels up to a few units in the last place."""
    words = _near(rng, count)
    product = words[:, 0].view(np.float32) * words[:, 1].view(np.float32)
    words[:, 2] = (product.view(np.uint32) ^ np.uint32(0x80000000)) + rng.integers(-2, 3, count).astype(np.uint32)
    return words


def _with_product_exponent(rng: np.random.Generator, count: int, exponent: npt.NDArray[np.int64]) -> Words:
    """a · b and c have about this exponent field, which may lie beyond either end."""
    first = rng.integers(1, 254, count)
    second = np.clip(exponent + 127 - first, 0, 254)
    third = np.clip(exponent + rng.integers(-30, 30, count), 0, 254)
    return _words(rng, np.stack([first, second, third], axis=1))


def _special_triples(rng: np.random.Generator) -> Words:
    return _pairs(np.array(SPECIAL_FLOATS, dtype=np.uint32), rng)


def _pairs(values: Words, rng: np.random.Generator) -> Words:
    """Every ordered pair, each with every third value in some order."""
    a, b = (grid.reshape(-1) for grid in np.meshgrid(values, values))
    return np.concatenate([np.stack([a, b, rng.permutation(np.resize(values, a.size))], axis=1) for _ in range(4)])
