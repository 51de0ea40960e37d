"""A slot that only somebody who ran every step knows.

A verifier attests an interval by the state one step before its end (docs/specification/market.md, section 6), so that state must not
follow from the checkpoint that the solver publishes. In training it does not: an update cannot be undone bit by bit. The outputs of an
inference less the last rows, or sums of metrics less the last batch, would be that state without any work. Such jobs carry 256 words more,
which every step mixes with numbers of the model's inner layers:

    x = w ^ bits + c;   8 times: x = y * (y' | 1) + k with y = x ^ (x >> 15), y' the word whose index differs in bit r;   w = x + w

The sum at the end (the feed-forward of Davies and Meyer's compression functions, see A. Menezes et al., Handbook of Applied Cryptography,
section 9.4.1) keeps the mixing from being undone, and after 8 rounds each word depends on all 256. No proof is claimed: inverting it only
has to cost more than running the interval.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from touchstone.capture import views
from touchstone.capture.graph import Graph
from touchstone.capture.views import Value
from touchstone.machine.program import DType, Kind, MapFn, Op, ReduceFn, Ref
from touchstone.machine.workload import Array

WORDS = 256
_ROUNDS = 8
_GOLDEN = 0x9E3779B9 - (1 << 32)  # the odd integer nearest 2^32 divided by the golden ratio, as i32
_ROUND_CONSTANT = 0x7FEB352D
_SHIFT = 15
_SCALE = float(1 << 20)  # numbers of size 1 give their upper 20 bits, those beyond 2048 saturate


def initial() -> Array:
    """The witness before the first step."""
    return np.zeros(WORDS, dtype=np.int32)


def advance(graph: Graph, witness: Value, results: Sequence[Value], published: bool) -> Value:
    """The witness after a step.

    Args:
        graph: holds the step, lowered.
        witness: i32 [256].
        results: what the step reports.
        published: whether ``results`` stand in the state as they are; then only what cannot be read off them is mixed in.
    """
    mixed = witness
    for node in _inner_nodes(graph, results, published):
        mixed = graph.map(MapFn.IXOR, mixed, _bits(graph, node))
    return graph.map(MapFn.IADD, _scramble(graph, mixed), witness)


def _inner_nodes(graph: Graph, results: Sequence[Value], published: bool) -> list[Value]:
    """Contractions on which the results depend: where they are published, by way of another contraction; else any float arithmetic."""
    computing = _ancestors(graph, [value.ref for value in results])
    contractions = [ref for ref in computing if graph.nodes[ref.index].op is Op.DOT]
    if published:
        sources = {operand.ref for ref in contractions for operand in graph.nodes[ref.index].operands}
        before = set(_ancestors(graph, list(sources)))
        contractions = [ref for ref in contractions if ref in before]
    own = {value.ref for value in results}
    arithmetic = [ref for ref in computing if graph.nodes[ref.index].op in (Op.MAP, Op.REDUCE, Op.DOT) and ref not in own]
    chosen = contractions or arithmetic
    return [graph.value(ref) for ref in chosen if graph.nodes[ref.index].type.dtype is DType.F32]


def _ancestors(graph: Graph, roots: Sequence[Ref]) -> list[Ref]:
    """The nodes among ``roots`` and those they depend on, in order."""
    found: set[int] = set()
    pending = [ref for ref in roots if ref.kind is Kind.NODE]
    while pending:
        ref = pending.pop()
        if ref.index not in found:
            found.add(ref.index)
            pending += [operand.ref for operand in graph.nodes[ref.index].operands if operand.ref.kind is Kind.NODE]
    return [Ref(Kind.NODE, index) for index in sorted(found)]


def _bits(graph: Graph, value: Value) -> Value:
    """256 words that depend on every number of ``value``: sums of equal parts of it, scaled to integers and repeated."""
    count = max(divisor for divisor in range(1, WORDS + 1) if value.count % divisor == 0)
    sums = graph.reduce(ReduceFn.SUM, graph.reshape(value, (count, value.count // count)), (1,))
    words = graph.map(MapFn.F2I, graph.map(MapFn.MUL, sums, graph.f32(_SCALE)))
    if count == WORDS:
        return words
    place = graph.map(MapFn.IMOD, graph.iota(WORDS), graph.i32(count))
    return graph.reshape(graph.gather(graph.reshape(words, (count, 1)), place), (WORDS,))


def _scramble(graph: Graph, words: Value) -> Value:
    x = graph.map(MapFn.IADD, words, graph.map(MapFn.IMUL, graph.iota(WORDS), graph.i32(_GOLDEN)))
    for index in range(_ROUNDS):
        y = graph.map(MapFn.IXOR, x, graph.map(MapFn.ISHR, x, graph.i32(_SHIFT)))
        odd = graph.map(MapFn.IOR, _neighbour(y, index), graph.i32(1))
        product = graph.map(MapFn.IMUL, graph.reshape(y, odd.shape), odd)
        x = graph.reshape(graph.map(MapFn.IADD, product, graph.i32(_ROUND_CONSTANT + index)), (WORDS,))
    return x


def _neighbour(value: Value, bit: int) -> Value:
    """The 256 words, each read where its index differs in ``bit``; as [upper, 2, lower], which costs nothing."""
    shape = (WORDS >> bit + 1, 2, 1 << bit)
    blocks = views.reshape(value, shape)
    assert blocks is not None  # value is contiguous
    return views.flip(blocks, 1)
