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
import {Prefixes} from "./Prefixes.sol";

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
        _checkCount(roots.length, _parts(PlaceLib.STEPS, end));
        bytes32[] memory points = Commitments.join(claim.startRoot, roots);

        State memory state;
        state.terms = keccak256(abi.encode(Terms(IArbitrable(msg.sender), claim.programRoot, claim.constantsRoot, claim.context)));
        state.solver = claim.solver;
        state.challenger = claim.challenger;
        state.clocks = ClocksLib.start(claim.clock, claim.increment, block.timestamp);
        state.place = PlaceLib.make(PlaceLib.STEPS, 0, end, 0);
        state.posted = Commitments.ofPoints(points);

        dispute = ++disputes;
        stateHash[dispute] = keccak256(abi.encode(state));
        emit DisputeOpened(dispute, claim.solver, claim.challenger, msg.sender, claim, state.clocks, points);
    }

    /// @inheritdoc ICourt
    function timeout(uint256 dispute, Terms calldata terms, State calldata state) external {
        State memory told = state;
        told.terms = keccak256(abi.encode(terms));
        _checkState(dispute, told);
        uint256 elapsed = state.clocks.elapsed(block.timestamp);
        uint256 left = state.clocks.left();
        if (elapsed <= left) revert ClockRuns(elapsed, left);
        _end(dispute, told, terms, state.clocks.solverMoves(), false);
    }

    /* MOVES */

    /// @inheritdoc ICourt
    function dissect(uint256 dispute, bytes32 terms, Position calldata position, Part calldata part, bytes32[] calldata roots) external {
        uint256 level = _checkTurn(position, PlaceLib.STEPS, PlaceLib.CHUNKS);
        (State memory state, uint256 lo, uint256 hi) = _pick(dispute, terms, position, part);
        if (hi - lo == 1) revert PartIsSingle(lo);
        _checkCount(roots.length, _parts(level, hi - lo));
        _checkDiffers(roots[roots.length - 1], part.end);

        state.place = PlaceLib.make(level, lo, hi, position.place.step());
        bytes32[] memory points = Commitments.join(part.start, roots);
        _save(dispute, state, points);
        emit Dissected(dispute, msg.sender, state.clocks, state.place, points);
    }

    /// @inheritdoc ICourt
    function openStep(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata header,
        bytes32 nodesRoot,
        bytes32 nextRoot,
        bytes32[] calldata roots
    ) external {
        _checkTurn(position, PlaceLib.STEPS, PlaceLib.STEPS);
        (State memory state, uint256 step) = _pickSingle(dispute, keccak256(abi.encode(terms)), position, part);
        _checkDiffers(nextRoot, part.end);
        Records.Header memory counts = Records.proveHeader(terms.programRoot, header.data, header.path);
        _checkCount(roots.length + 1, _parts(PlaceLib.NODES, counts.nodes + counts.slots));

        state.graph = GraphLib.make(counts.slots, counts.constants, counts.nodes);
        state.place = PlaceLib.make(PlaceLib.NODES, 0, counts.nodes + counts.slots, step);
        state.agreed = part.start;
        bytes32 empty = Merkle.pair(Merkle.zero(Merkle.depth(counts.nodes)), Merkle.zero(Merkle.depth(counts.slots)));
        bytes32[] memory points = Commitments.join(empty, roots, Merkle.pair(nodesRoot, nextRoot));
        _save(dispute, state, points);
        emit StepOpened(dispute, msg.sender, state.clocks, state.place, state.graph, part.start, nodesRoot, nextRoot, points);
    }

    /// @inheritdoc ICourt
    function openNode(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32 outputRoot,
        bytes32[] calldata siblings,
        bytes32[] calldata roots
    ) external {
        (State memory state, Records.Tensor memory output) = _pickNode(dispute, terms, position, part, record);
        if (output.chunks == 1) revert WrongChunkCount(output.chunks);
        _checkOutput(state.graph, part, outputRoot, siblings);
        _checkCount(roots.length + 1, _parts(PlaceLib.CHUNKS, output.chunks));

        state.place = PlaceLib.make(PlaceLib.CHUNKS, 0, output.chunks, position.place.step());
        bytes32[] memory points = Commitments.join(Merkle.zero(output.depth), roots, outputRoot);
        _save(dispute, state, points);
        emit NodeOpened(dispute, msg.sender, state.clocks, state.place, state.graph, part.start, outputRoot, points);
    }

    /// @inheritdoc ICourt
    function postOutput(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external {
        (State memory state, Records.Tensor memory output) = _pickNode(dispute, terms, position, part, record);
        if (output.chunks != 1) revert WrongChunkCount(output.chunks);
        _checkOutput(state.graph, part, Merkle.leaf(chunk), siblings);
        _post(dispute, state, 0, chunk);
        emit OutputPosted(dispute, msg.sender, state.clocks, state.place, state.graph, part.start, chunk);
    }

    /// @inheritdoc ICourt
    function postChunk(
        uint256 dispute,
        bytes32 terms,
        Position calldata position,
        Part calldata part,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external {
        _checkTurn(position, PlaceLib.CHUNKS, PlaceLib.CHUNKS);
        (State memory state, uint256 number) = _pickSingle(dispute, terms, position, part);
        uint256 levels = Merkle.depth(Merkle.chunks(position.graph.elements()));
        (bytes32 before, bytes32 denying) = Prefixes.insert(Merkle.leaf(chunk), number, siblings, levels);
        _checkInsertion(part, before, denying);
        _post(dispute, state, number, chunk);
        emit ChunkPosted(dispute, msg.sender, state.clocks, state.place, chunk);
    }

    /// @inheritdoc ICourt
    function settleCopy(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32 source,
        bytes32[] calldata sourcePath,
        bytes32[] calldata siblings
    ) external {
        _checkTurn(position, PlaceLib.NODES, PlaceLib.NODES);
        (State memory state, uint256 place) = _pickSingle(dispute, keccak256(abi.encode(terms)), position, part);
        uint256 nodes = position.graph.nodes();
        if (place < nodes) revert NotASlot(place, nodes);
        uint256 slot = place - nodes;

        _checkSource(state, part.start, terms.programRoot, slot, record, source, sourcePath);
        (bytes32 before, bytes32 right) = Prefixes.insertSlot(source, slot, siblings, Merkle.depth(position.graph.slots()));
        if (before != part.start) revert WrongInsertion(part.start, before);
        if (right == part.end) revert CopyIsRight(right);
        emit CopySettled(dispute, position.place.step(), slot, source);
        _end(dispute, state, terms, !position.clocks.solverMoves(), true);
    }

    /// @inheritdoc ICourt
    function proveWord(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        bytes32 stateRoot,
        bytes32 prefixRoot,
        Word calldata word,
        Record calldata record,
        IReferee.Read[] calldata reads
    ) external {
        _checkTurn(position, PlaceLib.WORD, PlaceLib.WORD);
        (uint256 posted, bytes32 commitment) = _openWord(word);
        State memory state = _state(dispute, keccak256(abi.encode(terms)), position, commitment);
        bytes32 agreed = _agreed(stateRoot, prefixRoot);
        if (agreed != position.agreed) revert NotAgreed(position.agreed, agreed);
        uint256 element = position.place.lo() * Merkle.CHUNK_WORDS + word.index;
        // Padding is zero by definition, so that junk beyond the last element is as provable as a wrong element.
        uint256 right =
            element < position.graph.elements() ? _recompute(position.graph, terms, stateRoot, prefixRoot, element, record, reads) : 0;
        if (posted == right) revert WordIsRight(element, posted);
        emit WordProven(dispute, position.place.step(), position.graph.node(), element, posted, right);
        _end(dispute, state, terms, !position.clocks.solverMoves(), true);
    }

    /* VIEWS */

    /// @inheritdoc ICourt
    function arity(uint256 level) public view virtual returns (uint256) {
        if (level == PlaceLib.STEPS) return 32;
        if (level == PlaceLib.NODES) return 40;
        if (level == PlaceLib.CHUNKS) return 16;
        revert WrongLevel(level);
    }

    /* WHO MAY MOVE, AND WHEN */

    function _checkState(uint256 dispute, State memory state) private view {
        bytes32 given = keccak256(abi.encode(state));
        bytes32 expected = stateHash[dispute];
        if (given != expected) revert WrongState(expected, given);
    }

    /// @dev The mover is in time and its level lies in first … last. INVARIANT: nothing of the position is believed before `_state` has
    /// found it, with the sender as the side to move, to be the dispute's.
    function _checkTurn(Position calldata position, uint256 first, uint256 last) private view returns (uint256 level) {
        uint256 elapsed = position.clocks.elapsed(block.timestamp);
        uint256 left = position.clocks.left();
        if (elapsed > left) revert ClockRanOut(elapsed, left);
        level = position.place.level();
        if (level < first || level > last) revert WrongLevel(level);
    }

    /// @dev The dispute's state, from the position, the hash of the terms and what the opponent posted last; refuses any other.
    function _state(uint256 dispute, bytes32 terms, Position calldata position, bytes32 posted) private view returns (State memory state) {
        bool solverMoves = position.clocks.solverMoves();
        state.terms = terms;
        state.solver = solverMoves ? msg.sender : position.opponent;
        state.challenger = solverMoves ? position.opponent : msg.sender;
        state.clocks = position.clocks;
        state.place = position.place;
        state.graph = position.graph;
        state.posted = posted;
        state.agreed = position.agreed;
        _checkState(dispute, state);
    }

    /* WHAT THE OPPONENT POSTED */

    /// @dev The state, and the segment (lo, hi] of the part that the opponent posted.
    function _pick(
        uint256 dispute,
        bytes32 terms,
        Position calldata position,
        Part calldata part
    ) private view returns (State memory state, uint256 lo, uint256 hi) {
        lo = position.place.lo();
        uint256 length = position.place.length();
        uint256 parts = _parts(position.place.level(), length);
        if (part.index >= parts) revert NoSuchPart(part.index, parts);
        state = _state(dispute, terms, position, Commitments.climbPart(part, Merkle.depth(parts)));
        hi = lo + (length * (part.index + 1)) / parts;
        lo += (length * part.index) / parts;
    }

    function _pickSingle(
        uint256 dispute,
        bytes32 terms,
        Position calldata position,
        Part calldata part
    ) private view returns (State memory state, uint256 place) {
        uint256 hi;
        (state, place, hi) = _pick(dispute, terms, position, part);
        if (hi - place != 1) revert PartNotSingle(place, hi);
    }

    /// @dev The picked part is a node of the trace and `record` is its record. The state returned has the node and its agreed prefix.
    function _pickNode(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record
    ) private view returns (State memory state, Records.Tensor memory output) {
        _checkTurn(position, PlaceLib.NODES, PlaceLib.NODES);
        uint256 node;
        (state, node) = _pickSingle(dispute, keccak256(abi.encode(terms)), position, part);
        Records.Header memory counts = _counts(position.graph);
        if (node >= counts.nodes) revert NotANode(node, counts.nodes);
        Records.proveNode(terms.programRoot, counts, node, record.data, record.path);
        output = Records.nodeOutput(record.data);
        state.graph = position.graph.withNode(node, output.elements);
        state.agreed = _agreed(position.agreed, part.start);
    }

    /// @dev The word, and the commitment to the chunk it is opened from.
    function _openWord(Word calldata word) private pure returns (uint256 posted, bytes32 commitment) {
        if (word.index >= Merkle.CHUNK_WORDS) revert NoSuchWord(word.index);
        commitment = Commitments.climb(word.line, word.index / 8, word.path, Commitments.CHUNK_LEVELS);
        uint256 bigEndian = uint32(uint256(word.line) >> (224 - 32 * (word.index % 8)));
        posted = (bigEndian >> 24) | ((bigEndian >> 8) & 0xff00) | ((bigEndian << 8) & 0xff0000) | ((bigEndian << 24) & 0xff000000);
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

    function _checkCount(uint256 roots, uint256 parts) private pure {
        if (roots != parts) revert WrongRootCount(parts, roots);
    }

    /// @dev The output root inserted at the node's leaf of the agreed prefix denies the part's end.
    function _checkOutput(Graph graph, Part calldata part, bytes32 outputRoot, bytes32[] calldata siblings) private view {
        uint256 levels = Merkle.depth(graph.nodes());
        (bytes32 before, bytes32 denying) = Prefixes.insertNode(outputRoot, graph.node(), siblings, levels, Merkle.depth(graph.slots()));
        _checkInsertion(part, before, denying);
    }

    /// @dev INVARIANT: the same siblings gave both roots; otherwise junk could hide beside an honest leaf.
    function _checkInsertion(Part calldata part, bytes32 before, bytes32 denying) private pure {
        if (before != part.start) revert WrongInsertion(part.start, before);
        _checkDiffers(denying, part.end);
    }

    /// @dev `source` is the agreed root of what the slot's record names: an earlier node, or a slot of the state before the step.
    function _checkSource(
        State memory state,
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
        bytes32 agreed = isNode ? prefixRoot : state.agreed;
        uint256 levels = isNode ? Merkle.depth(counts.nodes) + 1 : Merkle.depth(counts.slots);
        bytes32 given = Merkle.climb(source, index, sourcePath, levels);
        if (given != agreed) revert WrongSource(agreed, given);
    }

    function _recompute(
        Graph graph,
        Terms calldata terms,
        bytes32 stateRoot,
        bytes32 prefixRoot,
        uint256 element,
        Record calldata record,
        IReferee.Read[] calldata reads
    ) private view returns (uint256) {
        IReferee.Context memory context = IReferee.Context({
            programRoot: terms.programRoot,
            constantsRoot: terms.constantsRoot,
            stateRoot: stateRoot,
            prefixRoot: prefixRoot,
            slots: uint32(graph.slots()),
            constants: uint32(graph.constants()),
            nodes: uint32(graph.nodes()),
            node: uint32(graph.node())
        });
        return referee.recompute(context, element, record.data, record.path, reads);
    }

    /* THE NEW STATE */

    function _post(uint256 dispute, State memory next, uint256 number, bytes calldata chunk) private {
        next.place = PlaceLib.make(PlaceLib.WORD, number, number + 1, next.place.step());
        next.posted = Commitments.ofChunk(chunk);
        _pass(dispute, next);
    }

    function _save(uint256 dispute, State memory next, bytes32[] memory points) private {
        next.posted = Commitments.ofPoints(points);
        _pass(dispute, next);
    }

    function _pass(uint256 dispute, State memory next) private {
        next.clocks = next.clocks.pass(block.timestamp);
        stateHash[dispute] = keccak256(abi.encode(next));
    }

    function _end(uint256 dispute, State memory state, Terms calldata terms, bool challengerWins, bool byProof) private {
        delete stateHash[dispute];
        emit DisputeClosed(dispute, challengerWins ? state.challenger : state.solver, challengerWins, byProof);
        terms.arbitrable.onVerdict(dispute, terms.context, state.challenger, challengerWins, byProof);
    }

    function _parts(uint256 level, uint256 length) private view returns (uint256) {
        uint256 most = arity(level);
        return length < most ? length : most;
    }

    /// @dev What a state keeps of the two agreed roots from level 3 on.
    function _agreed(bytes32 stateRoot, bytes32 prefixRoot) private pure returns (bytes32) {
        return keccak256(abi.encode(stateRoot, prefixRoot));
    }

    function _counts(Graph graph) private pure returns (Records.Header memory) {
        return Records.Header(graph.slots(), graph.constants(), graph.nodes());
    }

    /// @dev docs/specification/machine.md, section 4.
    function _seal(uint256 job, uint256 interval, bytes32 root) private pure returns (bytes32) {
        return sha256(abi.encode(job, interval, root));
    }
}
