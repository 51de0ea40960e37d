"""States survive packing, hash as the contract hashes them, and are rebuilt from events."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dispute.worlds import ARBITRABLE, CHALLENGER, CLOCK, SOLVER, world
from touchstone.dispute import postings
from touchstone.dispute.board import Board, advanced, follow
from touchstone.dispute.errors import WrongEventError
from touchstone.dispute.game import RULES, cuts, open_dispute, timeout
from touchstone.dispute.state import Clocks, Graph, Level, Place, Terms

SECONDS = st.integers(0, 2**40 - 1)
COUNT = st.integers(0, 2**32 - 1)
POSITION = st.integers(0, 2**64 - 1)
STATE_TYPES = ["bytes32", "address", "address", "uint256", "uint256", "uint256", "bytes32", "bytes32"]


@settings(deadline=None)
@given(SECONDS, SECONDS, SECONDS, SECONDS, SECONDS, st.booleans())
def test_clocks_survive_packing(increment: int, budget: int, challenger: int, solver: int, since: int, turn: bool) -> None:
    clocks = Clocks(increment, budget, challenger, solver, since, turn)
    assert Clocks.unpack(clocks.pack()) == clocks


@settings(deadline=None)
@given(st.sampled_from(Level), POSITION, POSITION, POSITION)
def test_places_survive_packing(level: Level, lo: int, hi: int, step: int) -> None:
    assert Place.unpack(Place(level, lo, hi, step).pack()) == Place(level, lo, hi, step)


@settings(deadline=None)
@given(COUNT, COUNT, COUNT, COUNT, COUNT)
def test_graphs_survive_packing(slots: int, constants: int, nodes: int, node: int, elements: int) -> None:
    graph = Graph(slots, constants, nodes, node, elements)
    assert Graph.unpack(graph.pack()) == graph


@settings(deadline=None)
@given(SECONDS, SECONDS, st.integers(1, 2**40 - 1), SECONDS)
def test_no_sequence_of_moves_gives_a_side_more_than_its_budget(increment: int, used: int, budget: int, since: int) -> None:
    clocks = Clocks(increment, budget, budget, budget, since, True)
    passed = clocks.passed(since + used % (budget + 1))
    assert 0 <= passed.solver_left <= budget
    assert (passed.challenger_left, passed.solver_moves) == (budget, False)


def test_a_state_hashes_as_the_contracts_encoding_of_it() -> None:
    board = opened_board()
    assert board.state.hash() == keccak(encode(STATE_TYPES, board.state.abi()))
    assert board.terms.hash() == keccak(encode(["address", "bytes32", "bytes32", "bytes32"], board.terms.abi()))


@settings(deadline=None)
@given(st.integers(0, 2**40), st.integers(1, 2**40), st.integers(2, 64))
def test_cuts_cover_the_segment_with_parts_of_almost_equal_length(lo: int, length: int, k: int) -> None:
    parts = min(k, length)
    positions = cuts(lo, lo + length, parts)
    lengths = {b - a for a, b in itertools.pairwise(positions)}
    assert (positions[0], positions[-1]) == (lo, lo + length)
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1


@settings(deadline=None)
@given(st.integers(1, 64), st.integers())
def test_every_part_of_a_posting_opens_to_its_commitment_and_no_other_place(parts: int, seed: int) -> None:
    rng = random.Random(seed)
    points = [rng.randbytes(32) for _ in range(parts + 1)]
    commitment = postings.of_points(points)
    for index in range(parts):
        part = postings.part(points, index)
        assert postings.climb_part(part) == commitment
        if parts > 1:
            assert postings.climb_part(replace(part, index=(index + 1) % parts)) != commitment


def test_every_word_of_a_chunk_opens_to_its_commitment() -> None:
    chunk = random.Random(3).randbytes(1024)
    for index in range(256):
        word = postings.word(chunk, index)
        assert postings.climb(word.line, index // 8, word.path) == postings.of_chunk(chunk)
        assert word.line[index % 8 * 4 :][:4] == chunk[4 * index :][:4]


def opened_board() -> Board:
    chosen = world(1)
    roots = [bytes([i]) * 32 for i in range(RULES.parts(Level.STEPS, chosen.steps))]
    return open_dispute(4, chosen.claim(), ARBITRABLE, roots, 1000)


def opened_event(board: Board) -> dict[str, object]:
    """Arguments of ``DisputeOpened`` as web3 decodes them."""
    claim, names = board.claim.abi(), ("programRoot", "constantsRoot", "startRoot", "target", "job", "interval", "steps", "isSeal")
    fields = dict(zip((*names, "solver", "challenger", "clock", "increment", "context"), claim, strict=True))
    told = {"clocks": board.state.clocks.pack(), "points": list(board.points)}
    return {"dispute": board.number, "arbitrable": ARBITRABLE, "claim": fields, **told}


def test_a_board_is_rebuilt_from_events() -> None:
    board = opened_board()
    closed = {"dispute": 4, "winner": CHALLENGER, "challengerWins": True, "byProof": False}
    assert follow([("DisputeOpened", opened_event(board))]) == board
    assert follow([("DisputeOpened", opened_event(board)), ("DisputeClosed", closed)]) == timeout(board, 1000 + CLOCK + 1)
    place, graph = Place(Level.WORD, 5, 6, 3), Graph(1, 2, 3, 1, 400)
    moved = {"dispute": 4, "mover": SOLVER, "clocks": board.state.clocks.passed(1003).pack(), "place": place.pack()}
    after = advanced(board, "ChunkPosted", {**moved, "chunk": bytes(1024)})
    assert (after.points, after.chunk, after.verdict) == ((), bytes(1024), None)
    assert (after.state.place, after.state.posted) == (place, postings.of_chunk(bytes(1024)))
    after = advanced(board, "OutputPosted", {**moved, "graph": graph.pack(), "prefixRoot": b"p" * 32, "chunk": bytes(1024)})
    assert (after.state.graph, after.state.prefix_root) == (graph, b"p" * 32)


def test_events_that_do_not_belong_together_are_refused() -> None:
    board = opened_board()
    with pytest.raises(WrongEventError, match="there are no events"):
        follow([])
    with pytest.raises(WrongEventError, match="the first event is Dissected"):
        follow([("Dissected", {"dispute": 4})])
    with pytest.raises(WrongEventError, match="is of dispute 5, not 4"):
        advanced(board, "Dissected", {"dispute": 5})
    with pytest.raises(WrongEventError, match="is not an event of a running dispute"):
        advanced(board, "Transfer", {"dispute": 4})


def test_terms_differ_with_every_field() -> None:
    terms = Terms(ARBITRABLE, b"\1" * 32, b"\2" * 32)
    others = [replace(terms, arbitrable=SOLVER), replace(terms, program_root=b"\3" * 32), replace(terms, constants_root=b"\3" * 32)]
    assert len({terms.hash(), *(other.hash() for other in others)}) == 4
