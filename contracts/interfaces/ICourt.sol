// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "./IArbitrable.sol";
import {IReferee} from "./IReferee.sol";

/// @notice Whose move it is and the seconds both sides have. From the lowest bit, 40 bits each: increment, budget, the challenger's time left,
/// the solver's time left, block time at which the turn began; then bit 200: 1 when the solver is to move.
type Clocks is uint256;

/// @notice Where the game stands. From the lowest bit: level (8 bits), lo (64), hi (64), step (64).
/// @dev Levels: 1 steps, 2 nodes, 3 chunks, 4 a posted chunk. The open segment is (lo, hi]; `step` counts from the claim's start.
type Place is uint256;

/// @notice What the program's records have told so far. From the lowest bit, 32 bits each: slots, constants, nodes, the disputed node, elements
/// of its output.
type Graph is uint256;

/// @title The dispute game: one claim, one solver, one challenger
/// @notice Rules: docs/specification/court.md. Whoever opens a dispute (a market) receives its verdict; the court holds no funds.
/// @dev A dispute is one storage slot: `stateHash`. Every move sends of the `State`, which
/// follows from the events of the dispute, what does not follow from the move itself.
/// Every move is made by the side that denies what the other side posted last, and passes the turn.
interface ICourt {
    /* TYPES */

    /// @notice "From `startRoot`, `steps` steps of the program end in the state root `target`", or, with `isSeal`, "the state root D one step
    /// before the end has SHA-256(job ‖ interval ‖ D) = `target`".
    /// @param programRoot root of the program's records
    /// @param constantsRoot root of the constants
    /// @param startRoot state root both sides accept
    /// @param target what the solver committed and the challenger denies
    /// @param job number of the job, used by a seal only
    /// @param interval number of the interval, used by a seal only
    /// @param steps steps in the interval, at least 2
    /// @param isSeal whether `target` is a seal
    /// @param solver who defends the claim
    /// @param challenger who denies it
    /// @param clock seconds each side has for all its moves together
    /// @param increment seconds given back after each move; the time left never exceeds `clock`
    /// @param context whatever the arbitrable wants back with the verdict
    struct Claim {
        bytes32 programRoot;
        bytes32 constantsRoot;
        bytes32 startRoot;
        bytes32 target;
        uint256 job;
        uint256 interval;
        uint64 steps;
        bool isSeal;
        address solver;
        address challenger;
        uint40 clock;
        uint40 increment;
        bytes32 context;
    }

    /// @notice What stays the same in a dispute and only some moves need; `State.terms` is keccak256(abi.encode(terms)).
    struct Terms {
        IArbitrable arbitrable;
        bytes32 programRoot;
        bytes32 constantsRoot;
        bytes32 context;
    }

    /// @notice A running dispute; `stateHash` is keccak256(abi.encode(state)).
    /// @param terms hash of the dispute's `Terms`
    /// @param solver who defends the claim
    /// @param challenger who denies it
    /// @param clocks turn and times
    /// @param place level, open segment and step
    /// @param graph counts of the program from level 2 on, the node and its size from level 3 on
    /// @param posted commitment to what the side not to move posted last: the parts of its dissection, or the words of its chunk
    /// @param agreed the agreed roots above the open segment: zero on level 1, S(step) on level 2, keccak256(S(step) ‖ P(node)) from level 3 on
    struct State {
        bytes32 terms;
        address solver;
        address challenger;
        Clocks clocks;
        Place place;
        Graph graph;
        bytes32 posted;
        bytes32 agreed;
    }

    /// @notice What a mover sends of the state. The rest follows from the move: `terms` from the terms it sends (or their hash), `posted` from
    /// the part or the word it opens, and the side to move is the sender.
    /// @param opponent the side that is not to move
    struct Position {
        address opponent;
        Clocks clocks;
        Place place;
        Graph graph;
        bytes32 agreed;
    }

    /// @notice The part of the opponent's dissection that the mover denies.
    /// @param index number of the part, from 0
    /// @param start the root where it starts, accepted by the mover
    /// @param end the root where it ends, denied by the mover
    /// @param path siblings of keccak256(start ‖ end) in the tree of parts, bottom up
    struct Part {
        uint256 index;
        bytes32 start;
        bytes32 end;
        bytes32[] path;
    }

    /// @notice A record of the program, without zeros at its end if one likes, with its siblings in the program tree, bottom up.
    struct Record {
        bytes data;
        bytes32[] path;
    }

    /// @notice A word of the posted chunk.
    /// @param index which of its 256 words, 0..255
    /// @param line the 32 bytes of the chunk that hold the word: bytes 32·⌊index / 8⌋ …
    /// @param path siblings of `line` in the chunk's tree of 32 lines, bottom up
    struct Word {
        uint256 index;
        bytes32 line;
        bytes32[] path;
    }

    /* EVENTS */

    /// @notice A dispute began. `points` are the agreed start and the roots of the challenger's opening, in order.
    event DisputeOpened(
        uint256 indexed dispute,
        address indexed solver,
        address indexed challenger,
        address arbitrable,
        Claim claim,
        Clocks clocks,
        bytes32[] points
    );
    /// @notice `mover` dissected one part of what its opponent posted. `points` are the part's start and the roots posted.
    event Dissected(uint256 indexed dispute, address indexed mover, Clocks clocks, Place place, bytes32[] points);
    /// @notice `mover` accepts S(step) = `stateRoot` and claims that the step's nodes have root `nodesRoot` and its result has state root `nextRoot`.
    /// `points` are P(0) and the trace prefixes.
    event StepOpened(
        uint256 indexed dispute,
        address indexed mover,
        Clocks clocks,
        Place place,
        Graph graph,
        bytes32 stateRoot,
        bytes32 nodesRoot,
        bytes32 nextRoot,
        bytes32[] points
    );
    /// @notice `mover` accepts P(node) = `prefixRoot` and claims that the node's output has root `outputRoot`. `points` are Q(0) and the output prefixes.
    event NodeOpened(
        uint256 indexed dispute,
        address indexed mover,
        Clocks clocks,
        Place place,
        Graph graph,
        bytes32 prefixRoot,
        bytes32 outputRoot,
        bytes32[] points
    );
    /// @notice `mover` accepts P(node) = `prefixRoot` and posted the only chunk of the node's output. Its opponent has to prove one word of it wrong.
    event OutputPosted(
        uint256 indexed dispute,
        address indexed mover,
        Clocks clocks,
        Place place,
        Graph graph,
        bytes32 prefixRoot,
        bytes chunk
    );
    /// @notice `mover` posted the disputed chunk (number lo of the node's output), 1,024 bytes. Its opponent has to prove one word of it wrong.
    event ChunkPosted(uint256 indexed dispute, address indexed mover, Clocks clocks, Place place, bytes chunk);
    /// @notice The copy of a slot was found wrong: after `step`, slot `slot` has the tensor root `right`.
    event CopySettled(uint256 indexed dispute, uint256 step, uint256 slot, bytes32 right);
    /// @notice A word of the posted chunk was found wrong. Beyond the output's last element the right word is 0.
    event WordProven(uint256 indexed dispute, uint256 step, uint256 node, uint256 element, uint256 posted, uint256 right);
    /// @notice The dispute is over; its arbitrable has been told in the same transaction.
    event DisputeClosed(uint256 indexed dispute, address indexed winner, bool challengerWins, bool byProof);

    /* ERRORS */

    /// @notice The claim has fewer than two steps.
    error TooFewSteps(uint256 steps);
    /// @notice What was sent is not the dispute's state: another position, other terms, a part or a word that the opponent did not post, or it is
    /// not the sender's turn. `expected` is the dispute's state hash, zero when there is no such dispute or it is over.
    error WrongState(bytes32 expected, bytes32 given);
    /// @notice The mover's time was over; only `timeout` is possible now.
    error ClockRanOut(uint256 elapsed, uint256 left);
    /// @notice The side to move still has time.
    error ClockRuns(uint256 elapsed, uint256 left);
    /// @notice This move does not exist on this level.
    error WrongLevel(uint256 level);
    /// @notice The opponent's dissection has only `parts` parts.
    error NoSuchPart(uint256 part, uint256 parts);
    /// @notice The part is a single state transition: open it one level below.
    error PartIsSingle(uint256 lo);
    /// @notice The part is longer than one: dissect it.
    error PartNotSingle(uint256 lo, uint256 hi);
    /// @notice The two roots are not the ones agreed on: their hash is not `agreed`.
    error NotAgreed(bytes32 agreed, bytes32 given);
    /// @notice This many roots are to be posted.
    error WrongRootCount(uint256 expected, uint256 given);
    /// @notice The last root claimed is the one denied.
    error SameRoot(bytes32 root);
    /// @notice With an empty leaf the siblings do not give the agreed root.
    error WrongInsertion(bytes32 agreed, bytes32 given);
    /// @notice The source of the copy is not the one in the agreed tree.
    error WrongSource(bytes32 agreed, bytes32 given);
    /// @notice This position of the trace is a slot: settle the copy.
    error NotANode(uint256 position, uint256 nodes);
    /// @notice This position of the trace is a node: open it.
    error NotASlot(uint256 position, uint256 nodes);
    /// @notice The node's output has `chunks` chunks: with one, post it; with more, dissect them.
    error WrongChunkCount(uint256 chunks);
    /// @notice A chunk has no such word.
    error NoSuchWord(uint256 index);
    /// @notice The denied copy is right.
    error CopyIsRight(bytes32 root);
    /// @notice The word is right.
    error WordIsRight(uint256 element, uint256 word);

    /* VIEWS */

    /// @notice The contract that recomputes single elements.
    function referee() external view returns (IReferee);

    /// @notice Disputes opened so far; the last one has this number.
    function disputes() external view returns (uint256);

    /// @notice Hash of a dispute's state; zero when there is no such dispute or it is over.
    function stateHash(uint256 dispute) external view returns (bytes32);

    /// @notice Into how many parts a dissection cuts at most, on levels 1 (steps), 2 (nodes) and 3 (chunks).
    function arity(uint256 level) external view returns (uint256);

    /* OPENING AND ENDING */

    /// @notice Opens a dispute; the caller is the arbitrable contract. The solver is to move.
    /// @dev The opening dissects (0, steps], or for a seal (0, steps − 1].
    /// @param claim what is denied
    /// @param roots the challenger's opening dissection of the interval
    /// @return dispute number of the dispute, from 1
    function open(Claim calldata claim, bytes32[] calldata roots) external returns (uint256 dispute);

    /// @notice Ends a dispute whose side to move has no time left, whoever calls.
    /// @param terms the dispute's terms
    /// @param state the dispute's state
    function timeout(uint256 dispute, Terms calldata terms, State calldata state) external;

    /* MOVES */

    /// @notice Denies a part of the opponent's dissection, longer than one, with an own dissection of it.
    /// @param terms hash of the dispute's terms
    /// @param roots the mover's roots at lo + ⌊(hi − lo)·j / q⌋, j = 1 … q; the last must differ from `part.end`
    function dissect(uint256 dispute, bytes32 terms, Position calldata position, Part calldata part, bytes32[] calldata roots) external;

    /// @notice Level 1 to 2: denies the result of a single step with an own result and the first dissection of the step's trace.
    /// @param header record 0 of the program
    /// @param nodesRoot T, root of the mover's node outputs
    /// @param nextRoot the mover's state root after the step; must differ from `part.end`
    /// @param roots trace prefixes without the last, which is SHA-256(nodesRoot ‖ nextRoot)
    function openStep(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata header,
        bytes32 nodesRoot,
        bytes32 nextRoot,
        bytes32[] calldata roots
    ) external;

    /// @notice Level 2 to 3: denies the output of a node with an own output root and the first dissection of the output.
    /// @param record the node's record; its output has at least two chunks
    /// @param outputRoot the mover's root of the output; inserted in P(node) it must not give `part.end`
    /// @param siblings of the node's leaf in P(node), bottom up, without the empty ones
    /// @param roots output prefixes without the last, which is `outputRoot`
    function openNode(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32 outputRoot,
        bytes32[] calldata siblings,
        bytes32[] calldata roots
    ) external;

    /// @notice Level 2 to 4: denies the output of a node of one chunk with an own chunk.
    /// @param record the node's record; its output has one chunk
    /// @param siblings of the node's leaf in P(node), bottom up, without the empty ones
    /// @param chunk 1,024 bytes; the output root inserted in P(node) must not give `part.end`
    function postOutput(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external;

    /// @notice Level 3 to 4: denies a single chunk with an own chunk.
    /// @param terms hash of the dispute's terms
    /// @param siblings of the chunk's leaf in Q(lo), bottom up, without the empty ones
    /// @param chunk 1,024 bytes; inserted in Q(lo) they must not give `part.end`
    function postChunk(
        uint256 dispute,
        bytes32 terms,
        Position calldata position,
        Part calldata part,
        bytes32[] calldata siblings,
        bytes calldata chunk
    ) external;

    /// @notice Level 2: proves that the opponent's copy of a slot is wrong. Ends the dispute.
    /// @param record the slot's record, which names the source of its next value
    /// @param source agreed tensor root of the source
    /// @param sourcePath siblings of `source`: in P(lo) for a node, in S(step) for a slot, bottom up
    /// @param siblings of the slot's leaf in P(lo), bottom up, without the empty ones
    function settleCopy(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        Part calldata part,
        Record calldata record,
        bytes32 source,
        bytes32[] calldata sourcePath,
        bytes32[] calldata siblings
    ) external;

    /// @notice Level 4: proves that a word of the posted chunk is wrong. Ends the dispute.
    /// @param stateRoot S(step), agreed
    /// @param prefixRoot P(node), agreed
    /// @param word the wrong word
    /// @param record the node's record; ignored, like `reads`, for a word beyond the output's last element
    /// @param reads the operand words, as `IReferee.recompute` takes them
    function proveWord(
        uint256 dispute,
        Terms calldata terms,
        Position calldata position,
        bytes32 stateRoot,
        bytes32 prefixRoot,
        Word calldata word,
        Record calldata record,
        IReferee.Read[] calldata reads
    ) external;
}
