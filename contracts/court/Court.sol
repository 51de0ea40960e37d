// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {Clocks, Graph, ICourt, Place} from "../interfaces/ICourt.sol";
import {IReferee} from "../interfaces/IReferee.sol";
import {Merkle} from "../machine/Merkle.sol";
import {Records} from "../machine/Records.sol";
import {ClocksLib} from "./ClocksLib.sol";
import {Commitments} from "./Commitments.sol";
import {GraphLib} from "./GraphLib.sol";
import {PlaceLib} from "./PlaceLib.sol";

/// @title The dispute game
/// @notice Rules: docs/specification/court.md.
/// @dev Functions go in one order: who may move and when, what the opponent posted, what the mover posts, the new state, the event. A
/// dispute that ends is deleted before its arbitrable is called, so nothing can end twice and there is nothing to re-enter.
contract Court is ICourt {
    using ClocksLib for Clocks;
    using GraphLib for Graph;
    using PlaceLib for Place;

    /* STORAGE */

    /// @inheritdoc ICourt
    IReferee public immutable referee;
    /// @inheritdoc ICourt
    uint256 public disputes;
    /// @inheritdoc ICourt
    mapping(uint256 dispute => bytes32) public stateHash;

    /// @param referee_ the contract that recomputes single elements
    constructor(IReferee referee_) {
        referee = referee_;
    }

    /* OPENING AND ENDING */

    /// @inheritdoc ICourt
    function open(Claim calldata claim, bytes32[] calldata roots) external returns (uint256 dispute) {
        if (claim.steps < 2) revert TooFewSteps(claim.steps);
        _checkOpening(claim, roots);
        uint256 end = claim.isSeal ? claim.steps - 1 : claim.steps;
        bytes32[] memory points = _points(PlaceLib.STEPS, 0, end, claim.startRoot, roots);

        State memory state;
        state.terms = keccak256(abi.encode(Terms(IArbitrable(msg.sender), claim.programRoot, claim.constantsRoot)));
        state.solver = claim.solver;
        state.challenger = claim.challenger;
        state.clocks = ClocksLib.start(claim.clock, claim.increment, block.timestamp);
        state.place = PlaceLib.make(PlaceLib.STEPS, 0, end, 0);
        state.posted = Commitments.ofPoints(points);

        dispute = ++disputes;
        stateHash[dispute] = keccak256(abi.encode(state));
        emit DisputeOpened(dispute, claim.solver, claim.challenger, msg.sender, claim, state, points);
    }

    /// @inheritdoc ICourt
    function timeout(uint256 dispute, State calldata state, Terms calldata terms) external {
        _checkState(dispute, state);
        _checkTerms(state, terms);
        uint256 elapsed = state.clocks.elapsed(block.timestamp);
        uint256 left = state.clocks.left();
        if (elapsed <= left) revert ClockRuns(elapsed, left);
        _end(dispute, state, terms, state.clocks.solverMoves(), false);
    }

    /* MOVES */

    /// @inheritdoc ICourt
    function dissect(uint256 dispute, State calldata state, Part calldata part, bytes32[] calldata roots) external {
        uint256 level = _checkTurn(dispute, state, PlaceLib.STEPS, PlaceLib.CHUNKS);
        (uint256 lo, uint256 hi) = _pick(state, part);
        if (hi - lo == 1) revert PartIsSingle(lo);
        bytes32[] memory points = _points(level, lo, hi, part.start, roots);
        _checkDiffers(points[points.length - 1], part.end);

        State memory next = state;
        next.place = PlaceLib.make(level, lo, hi, state.place.step());
        _save(dispute, next, points);
        emit Dissected(dispute, msg.sender, next, points);
    }

    /// @inheritdoc ICourt
    function openStep(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        Terms calldata terms,
        Record calldata header,
        bytes32 nodesRoot,
        bytes32 nextRoot,
        bytes32[] calldata roots
    ) external {
        _checkTurn(dispute, state, PlaceLib.STEPS, PlaceLib.STEPS);
        uint256 step = _pickSingle(state, part);
        _checkTerms(state, terms);
        _checkDiffers(nextRoot, part.end);
        Records.Header memory counts = Records.proveHeader(terms.programRoot, header.data, header.path);

        State memory next = state;
        next.graph = GraphLib.make(counts.slots, counts.constants, counts.nodes);
        next.place = PlaceLib.make(PlaceLib.NODES, 0, counts.nodes + counts.slots, step);
        next.stateRoot = part.start;
        bytes32 empty = Merkle.pair(Merkle.zero(Merkle.depth(counts.nodes)), Merkle.zero(Merkle.depth(counts.slots)));
        bytes32[] memory points = _points(PlaceLib.NODES, 0, counts.nodes + counts.slots, empty, roots);
        _checkLast(points, Merkle.pair(nodesRoot, nextRoot));
        _save(dispute, next, points);
        emit StepOpened(dispute, msg.sender, next, nodesRoot, nextRoot, points);
    }

    /// @inheritdoc ICourt
    function openNode(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        Terms calldata terms,
        Record calldata record,
        bytes32 outputRoot,
        bytes32[] calldata siblings,
        bytes32[] calldata roots
    ) external {
        (State memory next, Records.Tensor memory output) = _pickNode(dispute, state, part, terms, record);
        if (output.chunks == 1) revert WrongChunkCount(output.chunks);
        _checkOutput(next.graph, part, outputRoot, siblings);
        bytes32[] memory points = _points(PlaceLib.CHUNKS, 0, output.chunks, Merkle.zero(output.depth), roots);
        _checkLast(points, outputRoot);

        next.place = PlaceLib.make(PlaceLib.CHUNKS, 0, output.chunks, state.place.step());
        _save(dispute, next, points);
        emit NodeOpened(dispute, msg.sender, next, outputRoot, points);
    }

    /// @inheritdoc ICourt
    function postOutput(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        Terms calldata terms,
        Record calldata record,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external {
        (State memory next, Records.Tensor memory output) = _pickNode(dispute, state, part, terms, record);
        if (output.chunks != 1) revert WrongChunkCount(output.chunks);
        _checkOutput(next.graph, part, Merkle.leaf(chunk), siblings);
        _post(dispute, next, 0, chunk);
    }

    /// @inheritdoc ICourt
    function postChunk(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external {
        _checkTurn(dispute, state, PlaceLib.CHUNKS, PlaceLib.CHUNKS);
        uint256 number = _pickSingle(state, part);
        uint256 levels = Merkle.depth(Merkle.chunks(state.graph.elements()));
        _checkInsertion(part, Merkle.leaf(chunk), number, siblings, levels);
        _post(dispute, state, number, chunk);
    }

    /// @inheritdoc ICourt
    function settleCopy(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        Terms calldata terms,
        Record calldata record,
        bytes32 source,
        bytes32[] calldata sourcePath,
        bytes32[] calldata siblings
    ) external {
        _checkTurn(dispute, state, PlaceLib.NODES, PlaceLib.NODES);
        uint256 position = _pickSingle(state, part);
        _checkTerms(state, terms);
        uint256 nodes = state.graph.nodes();
        if (position < nodes) revert NotASlot(position, nodes);
        uint256 slot = position - nodes;

        _checkSource(state, part.start, terms.programRoot, slot, record, source, sourcePath);
        uint256 levels = Merkle.depth(state.graph.slots());
        // The right half of the trace: slot j is leaf 2^b + j of a path of b + 1.
        bytes32 right = _inserted(part.start, source, (1 << levels) + slot, siblings, levels + 1);
        if (right == part.end) revert CopyIsRight(right);
        emit CopySettled(dispute, state.place.step(), slot, source);
        _end(dispute, state, terms, !state.clocks.solverMoves(), true);
    }

    /// @inheritdoc ICourt
    function proveWord(
        uint256 dispute,
        State calldata state,
        Terms calldata terms,
        Word calldata word,
        Record calldata record,
        IReferee.Read[] calldata reads
    ) external {
        _checkTurn(dispute, state, PlaceLib.WORD, PlaceLib.WORD);
        _checkTerms(state, terms);
        uint256 posted = _postedWord(state.posted, word);
        uint256 element = state.place.lo() * Merkle.CHUNK_WORDS + word.index;
        // Padding is zero by definition, so that junk beyond the last element is as provable as a wrong element.
        uint256 right = element < state.graph.elements() ? _recompute(state, terms, element, record, reads) : 0;
        if (posted == right) revert WordIsRight(element, posted);
        emit WordProven(dispute, state.place.step(), state.graph.node(), element, posted, right);
        _end(dispute, state, terms, !state.clocks.solverMoves(), true);
    }

    /* VIEWS */

    /// @inheritdoc ICourt
    function arity(uint256 level) public view virtual returns (uint256) {
        if (level == PlaceLib.STEPS) return 32;
        if (level == PlaceLib.NODES) return 40;
        if (level == PlaceLib.CHUNKS) return 41;
        revert WrongLevel(level);
    }

    /* WHO MAY MOVE, AND WHEN */

    function _checkState(uint256 dispute, State calldata state) private view {
        bytes32 given = keccak256(abi.encode(state));
        bytes32 expected = stateHash[dispute];
        if (given != expected) revert WrongState(dispute, expected, given);
    }

    function _checkTerms(State calldata state, Terms calldata terms) private pure {
        bytes32 given = keccak256(abi.encode(terms));
        if (given != state.terms) revert WrongTerms(state.terms, given);
    }

    /// @dev The state is the dispute's, its level lies in first … last, and the sender is to move and in time.
    function _checkTurn(uint256 dispute, State calldata state, uint256 first, uint256 last) private view returns (uint256 level) {
        _checkState(dispute, state);
        address mover = state.clocks.solverMoves() ? state.solver : state.challenger;
        if (msg.sender != mover) revert NotToMove(mover, msg.sender);
        uint256 elapsed = state.clocks.elapsed(block.timestamp);
        uint256 left = state.clocks.left();
        if (elapsed > left) revert ClockRanOut(elapsed, left);
        level = state.place.level();
        if (level < first || level > last) revert WrongLevel(level);
    }

    /* WHAT THE OPPONENT POSTED */

    /// @dev The segment (lo, hi] of the part, after checking that the opponent posted it.
    function _pick(State calldata state, Part calldata part) private view returns (uint256 lo, uint256 hi) {
        lo = state.place.lo();
        uint256 length = state.place.hi() - lo;
        uint256 parts = _parts(state.place.level(), length);
        if (part.index >= parts) revert NoSuchPart(part.index, parts);
        bytes32 given = Commitments.climbPart(part, Merkle.depth(parts));
        if (given != state.posted) revert NotPosted(state.posted, given);
        hi = lo + (length * (part.index + 1)) / parts;
        lo += (length * part.index) / parts;
    }

    function _pickSingle(State calldata state, Part calldata part) private view returns (uint256 position) {
        uint256 hi;
        (position, hi) = _pick(state, part);
        if (hi - position != 1) revert PartNotSingle(position, hi);
    }

    /// @dev The picked part is a node of the trace and `record` is its record. The state returned has the node and its agreed prefix.
    function _pickNode(
        uint256 dispute,
        State calldata state,
        Part calldata part,
        Terms calldata terms,
        Record calldata record
    ) private view returns (State memory next, Records.Tensor memory output) {
        _checkTurn(dispute, state, PlaceLib.NODES, PlaceLib.NODES);
        uint256 node = _pickSingle(state, part);
        _checkTerms(state, terms);
        Records.Header memory counts = _counts(state.graph);
        if (node >= counts.nodes) revert NotANode(node, counts.nodes);
        Records.proveNode(terms.programRoot, counts, node, record.data, record.path);
        output = Records.nodeOutput(record.data);
        next = state;
        next.graph = state.graph.withNode(node, output.elements);
        next.prefixRoot = part.start;
    }

    function _postedWord(bytes32 posted, Word calldata word) private pure returns (uint256) {
        if (word.index >= Merkle.CHUNK_WORDS) revert NoSuchWord(word.index);
        bytes32 given = Commitments.climb(word.line, word.index / 8, word.path, Commitments.CHUNK_LEVELS);
        if (given != posted) revert NotPosted(posted, given);
        uint256 bigEndian = uint32(uint256(word.line) >> (224 - 32 * (word.index % 8)));
        return (bigEndian >> 24) | ((bigEndian >> 8) & 0xff00) | ((bigEndian << 8) & 0xff0000) | ((bigEndian << 24) & 0xff000000);
    }

    /* WHAT THE MOVER POSTS */

    function _checkOpening(Claim calldata claim, bytes32[] calldata roots) private pure {
        if (roots.length == 0) revert WrongRootCount(1, 0);
        bytes32 last = roots[roots.length - 1];
        bytes32 denied = claim.isSeal ? _seal(claim.job, claim.interval, last) : last;
        _checkDiffers(denied, claim.target);
    }

    function _checkDiffers(bytes32 claimed, bytes32 denied) private pure {
        if (claimed == denied) revert SameRoot(denied);
    }

    function _checkLast(bytes32[] memory points, bytes32 expected) private pure {
        bytes32 given = points[points.length - 1];
        if (given != expected) revert WrongLastRoot(expected, given);
    }

    /// @dev The output root inserted at the node's leaf of the agreed prefix denies the part's end.
    function _checkOutput(Graph graph, Part calldata part, bytes32 outputRoot, bytes32[] calldata siblings) private view {
        _checkInsertion(part, outputRoot, graph.node(), siblings, Merkle.depth(graph.nodes()) + 1);
    }

    function _checkInsertion(Part calldata part, bytes32 leaf, uint256 index, bytes32[] calldata siblings, uint256 levels) private view {
        _checkDiffers(_inserted(part.start, leaf, index, siblings, levels), part.end);
    }

    /// @dev The agreed root with `leaf` in place of the empty leaf at `index`.
    /// INVARIANT: the same siblings give both roots; otherwise junk could hide beside an honest leaf.
    function _inserted(
        bytes32 agreed,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata siblings,
        uint256 levels
    ) private view returns (bytes32 result) {
        bytes32 before;
        (before, result) = Merkle.insert(leaf, index, siblings, levels);
        if (before != agreed) revert WrongInsertion(agreed, before);
    }

    /// @dev `source` is the agreed root of what the slot's record names: an earlier node, or a slot of the state before the step.
    function _checkSource(
        State calldata state,
        bytes32 prefixRoot,
        bytes32 programRoot,
        uint256 slot,
        Record calldata record,
        bytes32 source,
        bytes32[] calldata sourcePath
    ) private view {
        Records.Header memory counts = _counts(state.graph);
        Records.proveSlot(programRoot, counts, slot, record.data, record.path);
        (uint256 kind, uint256 index) = Records.slotNext(record.data, counts);
        bool isNode = kind == Records.KIND_NODE;
        bytes32 agreed = isNode ? prefixRoot : state.stateRoot;
        uint256 levels = isNode ? Merkle.depth(counts.nodes) + 1 : Merkle.depth(counts.slots);
        bytes32 given = Merkle.climb(source, index, sourcePath, levels);
        if (given != agreed) revert WrongSource(agreed, given);
    }

    function _recompute(
        State calldata state,
        Terms calldata terms,
        uint256 element,
        Record calldata record,
        IReferee.Read[] calldata reads
    ) private view returns (uint256) {
        IReferee.Context memory context = IReferee.Context({
            programRoot: terms.programRoot,
            constantsRoot: terms.constantsRoot,
            stateRoot: state.stateRoot,
            prefixRoot: state.prefixRoot,
            slots: uint32(state.graph.slots()),
            constants: uint32(state.graph.constants()),
            nodes: uint32(state.graph.nodes()),
            node: uint32(state.graph.node())
        });
        return referee.recompute(context, element, record.data, record.path, reads);
    }

    /* THE NEW STATE */

    /// @dev The agreed start followed by the roots posted for the segment (lo, hi], after checking their number.
    function _points(
        uint256 level,
        uint256 lo,
        uint256 hi,
        bytes32 start,
        bytes32[] calldata roots
    ) private view returns (bytes32[] memory points) {
        uint256 parts = _parts(level, hi - lo);
        if (roots.length != parts) revert WrongRootCount(parts, roots.length);
        points = Commitments.join(start, roots);
    }

    function _post(uint256 dispute, State memory next, uint256 number, bytes calldata chunk) private {
        next.place = PlaceLib.make(PlaceLib.WORD, number, number + 1, next.place.step());
        next.posted = Commitments.ofChunk(chunk);
        _pass(dispute, next);
        emit ChunkPosted(dispute, msg.sender, next, chunk);
    }

    function _save(uint256 dispute, State memory next, bytes32[] memory points) private {
        next.posted = Commitments.ofPoints(points);
        _pass(dispute, next);
    }

    function _pass(uint256 dispute, State memory next) private {
        next.clocks = next.clocks.pass(block.timestamp);
        stateHash[dispute] = keccak256(abi.encode(next));
    }

    function _end(uint256 dispute, State calldata state, Terms calldata terms, bool challengerWins, bool byProof) private {
        delete stateHash[dispute];
        emit DisputeClosed(dispute, challengerWins ? state.challenger : state.solver, challengerWins, byProof);
        terms.arbitrable.onVerdict(dispute, challengerWins, byProof);
    }

    function _parts(uint256 level, uint256 length) private view returns (uint256) {
        uint256 most = arity(level);
        return length < most ? length : most;
    }

    function _counts(Graph graph) private pure returns (Records.Header memory) {
        return Records.Header(graph.slots(), graph.constants(), graph.nodes());
    }

    /// @dev docs/specification/machine.md, section 4.
    function _seal(uint256 job, uint256 interval, bytes32 root) private pure returns (bytes32) {
        return sha256(abi.encode(job, interval, root));
    }
}
