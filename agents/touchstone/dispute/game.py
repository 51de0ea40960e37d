"""The court as a pure function: docs/specification/court.md on a :class:`Board`, check by check as in ``contracts/court/Court.sol``.

Agents use it to try a move before sending it; tests play many thousands of games in it and compare it with the contract move by move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eth_utils.crypto import keccak

from touchstone.commitment import merkle
from touchstone.commitment.roots import CHUNK_BYTES, CHUNK_WORDS, chunk_count, empty_trace, seal
from touchstone.dispute import postings, prefixes
from touchstone.dispute.board import Board, Verdict
from touchstone.dispute.errors import MoveRefusedError
from touchstone.dispute.moves import (
    WORDS_PER_LINE,
    Dissect,
    Move,
    OpenNode,
    OpenStep,
    Part,
    PostChunk,
    PostOutput,
    ProveWord,
    Read,
    Record,
    SettleCopy,
    Word,
)
from touchstone.dispute.records import prove_header, prove_node, prove_slot
from touchstone.dispute.state import Claim, Clocks, Graph, Level, Place, State, Terms


@dataclass(frozen=True, slots=True)
class Rules:
    """Parts per dissection on each level, and three rules that only tests ever switch off, to show what they are for."""

    steps: int = 32
    nodes: int = 40
    chunks: int = 16
    differs: bool = True
    insertion: bool = True
    padding: bool = True

    def parts(self, level: Level, length: int) -> int:
        """Into how many parts a segment is cut."""
        most = {Level.STEPS: self.steps, Level.NODES: self.nodes, Level.CHUNKS: self.chunks}[level]
        return min(most, length)


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Context:
    """What both sides have agreed on when the last proof is given (``IReferee.Context``)."""

    program_root: bytes
    constants_root: bytes
    state_root: bytes
    prefix_root: bytes
    graph: Graph


Judge = Callable[[Context, int, Record, Sequence[Read]], int]
"""``judge(context, element, record, reads)`` gives the right word, as the Referee does."""


def cuts(lo: int, hi: int, parts: int) -> list[int]:
    """Positions lo + ⌊(hi − lo)·j / parts⌋ for j = 0 … parts."""
    return [lo + (hi - lo) * j // parts for j in range(parts + 1)]


def open_dispute(number: int, claim: Claim, arbitrable: str, roots: Sequence[bytes], time: int, rules: Rules = RULES) -> Board:
    """The board after ``open``. Raises MoveRefusedError as the contract reverts."""
    if claim.steps < 2:
        raise MoveRefusedError("TooFewSteps", claim.steps)
    if not roots:
        raise MoveRefusedError("WrongRootCount", 1, 0)
    denied = seal(claim.job, claim.interval, roots[-1]) if claim.is_seal else roots[-1]
    _check_differs(denied, claim.target, rules)
    _check_count(len(roots), rules.parts(Level.STEPS, claim.end))
    points = (claim.start_root, *roots)
    terms = Terms(arbitrable, claim.program_root, claim.constants_root, claim.context)
    clocks = Clocks(claim.increment, claim.clock, claim.clock, claim.clock, time, True)
    place = Place(Level.STEPS, 0, claim.end)
    state = State(terms.hash(), claim.solver, claim.challenger, clocks, place, Graph(), postings.of_points(points))
    return Board(number, claim, terms, state, points)


def timeout(board: Board, time: int) -> Board:
    """The board after ``timeout``."""
    clocks = board.state.clocks
    if clocks.elapsed(time) <= clocks.left:
        raise MoveRefusedError("ClockRuns", clocks.elapsed(time), clocks.left)
    return replace(board, verdict=Verdict(challenger_wins=clocks.solver_moves, by_proof=False))


def play(board: Board, move: Move, sender: str, time: int, judge: Judge, rules: Rules = RULES) -> Board:
    """The board after a move. Raises MoveRefusedError as the contract reverts."""
    _check_turn(board.state, move, time)
    given = _with_sender(board.state, move, sender)
    if isinstance(move, Dissect):
        return _dissect(board, given, move, time, rules)
    if isinstance(move, OpenStep):
        return _open_step(board, given, move, time, rules)
    if isinstance(move, OpenNode):
        return _open_node(board, given, move, time, rules)
    if isinstance(move, PostOutput):
        return _post_output(board, given, move, time, rules)
    if isinstance(move, PostChunk):
        return _post_chunk(board, given, move, time, rules)
    if isinstance(move, SettleCopy):
        return _settle_copy(board, given, move, rules)
    return _prove_word(board, given, move, judge, rules)


def _with_sender(state: State, move: Move, sender: str) -> State:
    """The state as the court puts it together from what is sent: the side to move is the sender."""
    terms = state.terms if isinstance(move, Dissect | PostChunk) else move.terms.hash()
    if state.clocks.solver_moves:
        return replace(state, terms=terms, solver=sender)
    return replace(state, terms=terms, challenger=sender)


def _dissect(board: Board, given: State, move: Dissect, time: int, rules: Rules) -> Board:
    place = board.state.place
    lo, hi = _pick(board.state, given, move.part, rules)
    if hi - lo == 1:
        raise MoveRefusedError("PartIsSingle", lo)
    _check_count(len(move.roots), rules.parts(place.level, hi - lo))
    _check_differs(move.roots[-1], move.part.end, rules)
    state = replace(board.state, place=replace(place, lo=lo, hi=hi))
    return _with_points(board, state, (move.part.start, *move.roots), time)


def _open_step(board: Board, given: State, move: OpenStep, time: int, rules: Rules) -> Board:
    step = _pick_single(board.state, given, move.part, rules)
    _check_differs(move.next_root, move.part.end, rules)
    graph = prove_header(move.terms.program_root, move.header)
    length = graph.nodes + graph.slots
    _check_count(len(move.roots) + 1, rules.parts(Level.NODES, length))
    points = (empty_trace(graph.nodes, graph.slots), *move.roots, merkle.sha256(move.nodes_root + move.next_root))
    place = Place(Level.NODES, 0, length, step)
    state = replace(board.state, graph=graph, place=place, state_root=move.part.start)
    return _with_points(board, state, points, time)


def _open_node(board: Board, given: State, move: OpenNode, time: int, rules: Rules) -> Board:
    state, chunks = _pick_node(board.state, given, move, rules)
    if chunks == 1:
        raise MoveRefusedError("WrongChunkCount", chunks)
    _check_insertion(prefixes.insert_node(move.output_root, state.graph.node, move.siblings, state.graph), move.part, rules)
    _check_count(len(move.roots) + 1, rules.parts(Level.CHUNKS, chunks))
    points = (merkle.ZERO[merkle.depth(chunks)], *move.roots, move.output_root)
    state = replace(state, place=Place(Level.CHUNKS, 0, chunks, state.place.step))
    return _with_points(board, state, points, time)


def _post_output(board: Board, given: State, move: PostOutput, time: int, rules: Rules) -> Board:
    state, chunks = _pick_node(board.state, given, move, rules)
    if chunks != 1:
        raise MoveRefusedError("WrongChunkCount", chunks)
    _check_insertion(prefixes.insert_node(_leaf(move.chunk), state.graph.node, move.siblings, state.graph), move.part, rules)
    return _with_chunk(board, state, 0, move.chunk, time)


def _post_chunk(board: Board, given: State, move: PostChunk, time: int, rules: Rules) -> Board:
    number = _pick_single(board.state, given, move.part, rules)
    levels = merkle.depth(chunk_count(board.state.graph.elements))
    _check_insertion(prefixes.insert(_leaf(move.chunk), number, move.siblings, levels), move.part, rules)
    return _with_chunk(board, board.state, number, move.chunk, time)


def _settle_copy(board: Board, given: State, move: SettleCopy, rules: Rules) -> Board:
    state = board.state
    position = _pick_single(state, given, move.part, rules)
    if position < state.graph.nodes:
        raise MoveRefusedError("NotASlot", position, state.graph.nodes)
    slot = position - state.graph.nodes
    is_node, source = prove_slot(move.terms.program_root, state.graph, slot, move.record)
    agreed = move.part.start if is_node else state.state_root
    levels = merkle.depth(state.graph.nodes) + 1 if is_node else merkle.depth(state.graph.slots)
    found = _climb(move.source, source, move.source_path, levels)
    if found != agreed:
        raise MoveRefusedError("WrongSource", agreed, found)
    before, right = prefixes.insert_slot(move.source, slot, move.siblings, state.graph)
    if before != move.part.start and rules.insertion:
        raise MoveRefusedError("WrongInsertion", move.part.start, before)
    if right == move.part.end:
        raise MoveRefusedError("CopyIsRight", right)
    return _proven(board)


def _prove_word(board: Board, given: State, move: ProveWord, judge: Judge, rules: Rules) -> Board:
    state = board.state
    posted, commitment = _open_word(move.word)
    _check_state(state, replace(given, posted=commitment))
    agreed = keccak(move.state_root + move.prefix_root)
    if agreed != state.agreed:
        raise MoveRefusedError("NotAgreed", state.agreed, agreed)
    element = state.place.lo * CHUNK_WORDS + move.word.index
    right = 0
    if element < state.graph.elements:
        terms = move.terms
        context = Context(terms.program_root, terms.constants_root, move.state_root, move.prefix_root, state.graph)
        right = judge(context, element, move.record, move.reads)
    elif not rules.padding:
        raise MoveRefusedError("NoSuchWord", move.word.index)
    if posted == right:
        raise MoveRefusedError("WordIsRight", element, posted)
    return _proven(board)


def _check_turn(state: State, move: Move, time: int) -> None:
    if state.clocks.elapsed(time) > state.clocks.left:
        raise MoveRefusedError("ClockRanOut", state.clocks.elapsed(time), state.clocks.left)
    if state.place.level not in LEVELS[type(move)]:
        raise MoveRefusedError("WrongLevel", int(state.place.level))


LEVELS: dict[type[Move], tuple[Level, ...]] = {
    Dissect: (Level.STEPS, Level.NODES, Level.CHUNKS),
    OpenStep: (Level.STEPS,),
    OpenNode: (Level.NODES,),
    PostOutput: (Level.NODES,),
    PostChunk: (Level.CHUNKS,),
    SettleCopy: (Level.NODES,),
    ProveWord: (Level.WORD,),
}


def _check_state(state: State, given: State) -> None:
    if given != state:
        raise MoveRefusedError("WrongState", state.hash(), given.hash())


def _pick(state: State, given: State, part: Part, rules: Rules) -> tuple[int, int]:
    place = state.place
    parts = rules.parts(place.level, place.hi - place.lo)
    if part.index >= parts:
        raise MoveRefusedError("NoSuchPart", part.index, parts)
    _check_path(part.path, merkle.depth(parts))
    _check_state(state, replace(given, posted=postings.climb_part(part)))
    positions = cuts(place.lo, place.hi, parts)
    return positions[part.index], positions[part.index + 1]


def _pick_single(state: State, given: State, part: Part, rules: Rules) -> int:
    lo, hi = _pick(state, given, part, rules)
    if hi - lo != 1:
        raise MoveRefusedError("PartNotSingle", lo, hi)
    return lo


def _pick_node(state: State, given: State, move: OpenNode | PostOutput, rules: Rules) -> tuple[State, int]:
    """The state with the picked node and its agreed prefix, and the number of chunks of its output."""
    node = _pick_single(state, given, move.part, rules)
    if node >= state.graph.nodes:
        raise MoveRefusedError("NotANode", node, state.graph.nodes)
    elements = prove_node(move.terms.program_root, state.graph, node, move.record)
    graph = replace(state.graph, node=node, elements=elements)
    return replace(state, graph=graph, prefix_root=move.part.start), chunk_count(elements)


def _open_word(word: Word) -> tuple[int, bytes]:
    """The word, and the commitment to the chunk it is opened from."""
    if word.index >= CHUNK_WORDS:
        raise MoveRefusedError("NoSuchWord", word.index)
    _check_path(word.path, postings.CHUNK_LEVELS)
    first = word.index % WORDS_PER_LINE * 4
    posted = int.from_bytes(word.line[first : first + 4], "little")
    return posted, postings.climb(word.line, word.index // WORDS_PER_LINE, word.path)


def _check_differs(claimed: bytes, denied: bytes, rules: Rules) -> None:
    if claimed == denied and rules.differs:
        raise MoveRefusedError("SameRoot", denied)


def _check_count(roots: int, parts: int) -> None:
    if roots != parts:
        raise MoveRefusedError("WrongRootCount", parts, roots)


def _check_insertion(inserted: tuple[bytes, bytes], part: Part, rules: Rules) -> None:
    """The roots before and after an insertion: the agreed start, and one that denies the part's end."""
    before, denying = inserted
    if before != part.start and rules.insertion:
        raise MoveRefusedError("WrongInsertion", part.start, before)
    _check_differs(denying, part.end, rules)


def _climb(leaf: bytes, index: int, path: Sequence[bytes], levels: int) -> bytes:
    _check_path(path, levels)
    return merkle.climb(leaf, index, path)


def _check_path(path: Sequence[bytes], levels: int) -> None:
    if len(path) != levels:
        raise MoveRefusedError("PathLengthWrong", len(path), levels)


def _leaf(chunk: bytes) -> bytes:
    if len(chunk) != CHUNK_BYTES:
        raise MoveRefusedError("ChunkBytesWrong", len(chunk), CHUNK_BYTES)
    return merkle.sha256(chunk)


def _with_points(board: Board, state: State, points: tuple[bytes, ...], time: int) -> Board:
    state = replace(state, posted=postings.of_points(points), clocks=state.clocks.passed(time))
    return replace(board, state=state, points=points, chunk=b"")


def _with_chunk(board: Board, state: State, number: int, chunk: bytes, time: int) -> Board:
    place = Place(Level.WORD, number, number + 1, state.place.step)
    state = replace(state, place=place, posted=postings.of_chunk(chunk), clocks=state.clocks.passed(time))
    return replace(board, state=state, points=(), chunk=chunk)


def _proven(board: Board) -> Board:
    return replace(board, verdict=Verdict(challenger_wins=not board.state.clocks.solver_moves, by_proof=True))
