"""Last proofs whose gas is recorded: every operator, typical in the trees of a large job and at worst in the largest trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.contracts.machine.operands import Words, chain_rows
from touchstone.commitment import merkle
from touchstone.commitment.roots import CHUNK_WORDS, chunk_count
from touchstone.machine.builder import Builder, Source, Strides, Value
from touchstone.machine.program import Axis, DType, Kind, MapFn, Node, ReduceFn, encode_node
from touchstone.machine.reference import Read, element_from_reads, reads
from touchstone.machine.signatures import SIGNATURES

F32, I32 = DType.F32, DType.I32


@dataclass(frozen=True)
class Trees:
    """Sizes of the program around a node, which set the lengths of its paths."""

    slots: int
    constants: int
    nodes: int


LARGE_JOB = Trees(slots=64, constants=8, nodes=1024)
LARGEST = Trees(slots=65_536, constants=65_536, nodes=1_048_576)


@dataclass(frozen=True)
class GasCase:
    """One element of one node, and the words it reads, in order; all operands are outputs of earlier nodes (or slot 0, for philox)."""

    name: str
    trees: Trees
    node: Node
    element: int
    words: tuple[Words, ...]

    def ranges(self) -> list[Read]:
        """What the element reads."""
        operands = [np.zeros(0, dtype=np.uint32)] * 2
        if len(self.words) == 2 and self.node.op.name == "GATHER":
            position = self.element // self.node.operands[0].type.shape[1]
            operands[1] = np.zeros(position + 1, dtype=np.uint32)
            operands[1][position] = self.words[0][0]
        return reads(self.node, self.element, operands)

    def answer(self) -> int:
        """The right word, by the reference."""
        return element_from_reads(self.node, self.element, [words.tolist() for words in self.words])

    def arguments(self) -> tuple[Any, ...]:
        """Arguments of ``IReferee.recompute``. Siblings on the paths are made up: nothing looks behind them."""
        rng = np.random.default_rng(0)
        node_index = self.trees.nodes - 1
        proofs, roots = [], {}
        for read, words in zip(self.ranges(), self.words, strict=True):
            operand = self.node.operands[read.operand]
            proofs.append(_range_proof(rng, operand.type.size, read.first_word, words))
            roots[operand.ref] = proofs[-1][0]
        state, prefix, paths = self._agreed(rng, roots)
        record = encode_node(self.node)
        total = 1 + self.trees.slots + self.trees.constants + self.trees.nodes
        record_path = _siblings(rng, merkle.depth(total))
        program = merkle.climb(merkle.sha256(record), total - 1, record_path)
        context = (program, bytes(32), state, prefix, self.trees.slots, self.trees.constants, self.trees.nodes, node_index)
        given = [
            (root, paths[self.node.operands[read.operand].ref], data, siblings)
            for read, (root, data, siblings) in zip(self.ranges(), proofs, strict=True)
        ]
        return context, self.element, record, record_path, given

    def _agreed(self, rng: np.random.Generator, roots: dict[Any, bytes]) -> tuple[bytes, bytes, dict[Any, list[bytes]]]:
        """State root, trace prefix, and the path of every operand in one of them."""
        slots = {ref.index: root for ref, root in roots.items() if ref.kind is Kind.SLOT}
        nodes = {ref.index: root for ref, root in roots.items() if ref.kind is Kind.NODE}
        state, slot_paths = _sparse_tree(rng, merkle.depth(self.trees.slots), slots)
        prefix, node_paths = _sparse_tree(rng, merkle.depth(self.trees.nodes) + 1, nodes)
        return state, prefix, {ref: (slot_paths if ref.kind is Kind.SLOT else node_paths)[ref.index] for ref in roots}


def gas_cases() -> Iterator[GasCase]:
    """All recorded cases."""
    rng = np.random.default_rng(0)
    yield from _dots(rng)
    yield from _reductions(rng)
    yield from _maps(rng)
    yield from _others(rng)


def _dots(rng: np.random.Generator) -> Iterator[GasCase]:
    for terms in (256, 1024, 4096, 8192):
        bench = _Bench()
        value = bench.builder.dot(bench.node(F32, (2**14, terms)), bench.node(F32, (2**10, terms)))
        yield bench.case(f"dot K={terms}, typical", LARGE_JOB, value, 5 * 2**10 + 3, chain_rows(rng, terms, "ordinary"))
    # The longest chain, in rows that start in the middle of a chunk, on numbers that the fast path must give back.
    for kind in ("ordinary", "subnormal", "special", "tiny", "edge", "hardest"):
        bench = _Bench()
        a, b = bench.node(F32, (2**14, 8191)), bench.node(F32, (2**14, 8191))
        rows = _hardest_rows(rng, 8191) if kind == "hardest" else chain_rows(rng, 8191, kind)
        yield bench.case(f"dot K=8191, worst trees, {kind}", LARGEST, bench.builder.dot(a, b), 2**14 + 1, rows)


def _hardest_rows(rng: np.random.Generator, terms: int) -> tuple[Words, Words]:
    """Subnormal times large, so that every fma normalises, aligns, cancels and rounds."""
    a = (rng.integers(1, 2**22, terms) | rng.integers(0, 2, terms) << 31).astype(np.uint32)
    b = (rng.integers(0, 2**23, terms) | rng.integers(150, 170, terms) << 23).astype(np.uint32)
    return a, b


def _reductions(rng: np.random.Generator) -> Iterator[GasCase]:
    for fn in ReduceFn:
        for dtype in DType:
            name = f"reduce {fn.name.lower()} {dtype.name.lower()}"
            bench = _Bench()
            value = bench.builder.reduce(fn, bench.node(dtype, (2**14, 256)))
            yield bench.case(f"{name} n=256, typical", LARGE_JOB, value, 77, (_typical(rng, dtype, 256),))
            bench = _Bench()
            value = bench.builder.reduce(fn, bench.node(dtype, (2**17, 8191)))
            worst = _ascending(8191, dtype) if fn is ReduceFn.ARGMAX else _worst_sum(rng, 8191, dtype)
            yield bench.case(f"{name} n=8191, worst", LARGEST, value, 2**17 - 1, (worst,))


def _maps(rng: np.random.Generator) -> Iterator[GasCase]:
    for fn in MapFn:
        operands = [dtype or F32 for dtype in SIGNATURES[fn].operands]
        bench = _Bench()
        value = bench.builder.map(fn, *(bench.node(dtype, (2**14, 2**10)) for dtype in operands))
        words = tuple(_typical(rng, dtype, 1) for dtype in operands)
        yield bench.case(f"map {fn.name.lower()}, typical", LARGE_JOB, value, 2**23 + 12_345, words)
        bench = _Bench()
        shape = (8,) * 8
        read = [Strides(bench.node(dtype, (2**31 - 1,)), 2**30, (127,) * 8) for dtype in operands]
        words = tuple(np.array([0x80000001 if dtype is I32 else 0x807FFFFF - 3 * i], dtype=np.uint32) for i, dtype in enumerate(operands))
        yield bench.case(f"map {fn.name.lower()}, worst", LARGEST, bench.builder.map(fn, *read, shape=shape), 8**8 - 1, words)


def _others(rng: np.random.Generator) -> Iterator[GasCase]:
    one = _typical(rng, F32, 1)
    bench = _Bench()
    yield bench.case("move transpose, typical", LARGE_JOB, bench.builder.transpose(bench.node(F32, (2**14, 2**10))), 2**23 + 5, (one,))
    bench = _Bench()
    shape = (2,) * 8
    # Fifteen sources; only the last is in range, and its last test is the one that says so.
    sources = [Source(bench.node(F32, (2**31 - 1,)), (Axis(-1 if i < 14 else 7, 1, (0,) * 8),)) for i in range(15)]
    yield bench.case("move of 15 sources, worst", LARGEST, bench.builder.move(shape, sources), 255, (one,))
    bench = _Bench()
    table, index = bench.node(F32, (2**14, 2**8)), bench.node(I32, (2**16,))
    row = np.array([2**13], dtype=np.uint32)
    yield bench.case("gather, typical", LARGE_JOB, bench.builder.gather(table, index), 2**20 + 9, (row, one))
    bench = _Bench()
    table, index = bench.node(F32, (2**30, 1)), bench.node(I32, (1, 1, 1, 1, 1, 1, 2**30))
    row = np.array([2**30 - 2], dtype=np.uint32)
    yield bench.case("gather, worst", LARGEST, bench.builder.gather(table, index), 2**10, (row, one))
    yield from _scatters(rng)
    for trees, size in ((LARGE_JOB, "typical"), (LARGEST, "worst")):
        bench = _Bench()
        step = np.array([2**32 - 1], dtype=np.uint32)
        yield bench.case(f"source philox, {size}", trees, bench.builder.philox((2**20,), (1, 2), 3), 2**20 - 1, (step,))
        yield bench.case(f"source iota, {size}", trees, bench.builder.iota((2**20,)), 2**20 - 1, ())
        yield bench.case(f"source constant, {size}", trees, bench.builder.fill(F32, (2**20,), 7), 2**20 - 1, ())


def _scatters(rng: np.random.Generator) -> Iterator[GasCase]:
    bench = _Bench()
    index = rng.integers(0, 2**14, 1024).astype(np.uint32)
    value = bench.builder.scatter_add(bench.node(F32, (2**14, 2**8)), bench.node(I32, (1024,)), bench.node(F32, (2**8, 1024)))
    words = (_typical(rng, F32, 1), index, _typical(rng, F32, 1024))
    yield bench.case("scatter_add N=1024, typical", LARGE_JOB, value, int(index[500]) * 2**8 + 9, words)
    for dtype in DType:
        bench = _Bench()
        base, sources = bench.node(dtype, (2**12, 2**18)), bench.node(dtype, (2**18, 4096))
        value = bench.builder.scatter_add(base, bench.node(I32, (4096,)), sources)
        # Every source hits; neighbours are of opposite sign and close size, many of them subnormal.
        signs = (np.arange(4097) % 2).astype(np.uint32) << 31
        row = (rng.integers(1, 2**23, 4097) | rng.integers(0, 3, 4097) << 23).astype(np.uint32) | signs
        words = (row[:1], np.full(4096, 2**12 - 1, dtype=np.uint32), row[1:])
        yield bench.case(f"scatter_add {dtype.name.lower()} N=4096, worst", LARGEST, value, 2**30 - 1, words)


class _Bench:
    """Declares earlier nodes of any size as operands; their data need not exist."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.builder.slot(I32, (1,))

    def node(self, dtype: DType, shape: tuple[int, ...]) -> Value:
        return self.builder.fill(dtype, shape, len(self.builder.build().nodes))

    def case(self, name: str, trees: Trees, value: Value, element: int, words: tuple[Words, ...]) -> GasCase:
        return GasCase(name, trees, self.builder.build().nodes[value.ref.index], element, tuple(words))


def _typical(rng: np.random.Generator, dtype: DType, count: int) -> Words:
    if dtype is I32:
        return rng.integers(0, 1000, count).astype(np.uint32)
    return rng.normal(size=count).astype(np.float32).view(np.uint32)


def _ascending(count: int, dtype: DType) -> Words:
    words = np.arange(1, count + 1, dtype=np.uint32)
    return words if dtype is I32 else (words | np.uint32(0x3F000000))


def _worst_sum(rng: np.random.Generator, count: int, dtype: DType) -> Words:
    """Neighbours in a lane of opposite sign and close size, the rest of them subnormal."""
    if dtype is I32:
        return rng.integers(0, 2**32, count).astype(np.uint32)
    signs = (np.arange(count) // 32 % 2) << 31
    return (rng.integers(0, 2**23, count) | rng.integers(0, 3, count) << 23 | signs).astype(np.uint32)


def _range_proof(rng: np.random.Generator, elements: int, first_word: int, words: Words) -> tuple[bytes, bytes, list[bytes]]:
    """Root, chunks and siblings of a tensor that has these words at ``first_word``."""
    first = first_word // CHUNK_WORDS
    count = (first_word + len(words) - 1) // CHUNK_WORDS + 1 - first
    around = rng.integers(1, 2**32, count * CHUNK_WORDS).astype("<u4")
    around[first_word - first * CHUNK_WORDS :][: len(words)] = words
    data = around.tobytes()
    hashes = [merkle.sha256(data[start : start + 1024]) for start in range(0, len(data), 1024)]
    depth = merkle.depth(chunk_count(elements))
    needed, left, right = 0, first, first + count - 1
    for _ in range(depth):
        needed += (left & 1) + (1 - (right & 1))
        left, right = left >> 1, right >> 1
    siblings = _siblings(rng, needed)
    return merkle.climb_range(depth, first, hashes, siblings), data, siblings


def _sparse_tree(rng: np.random.Generator, depth: int, leaves: dict[int, bytes]) -> tuple[bytes, dict[int, list[bytes]]]:
    """A tree with these leaves and made-up hashes everywhere else: its root, and the path of each leaf."""
    paths: dict[int, list[bytes]] = {index: [] for index in leaves}
    level = dict(leaves)
    for height in range(depth):
        for position in list(level):
            level.setdefault(position ^ 1, rng.bytes(32))
        for index, path in paths.items():
            path.append(level[(index >> height) ^ 1])
        level = {position >> 1: merkle.sha256(level[position] + level[position | 1]) for position in level if position % 2 == 0}
    return level.get(0, bytes(32)), paths


def _siblings(rng: np.random.Generator, count: int) -> list[bytes]:
    return [rng.bytes(32) for _ in range(count)]
