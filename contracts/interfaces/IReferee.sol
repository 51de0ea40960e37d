// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Recomputes one element of one node's output from proven operand words
/// @dev Operators and proofs: docs/specification/machine.md, sections 3 and 4.
interface IReferee {
    /// @notice What both sides of a dispute have agreed on when its last proof is given.
    /// @param programRoot root of the program's records
    /// @param constantsRoot root of the constants
    /// @param stateRoot S(t), the state before the disputed step
    /// @param prefixRoot P(node), the trace with the outputs of all earlier nodes
    /// @param slots M, from the program's header
    /// @param constants C, from the program's header
    /// @param nodes N, from the program's header
    /// @param node index of the disputed node, below `nodes`
    struct Context {
        bytes32 programRoot;
        bytes32 constantsRoot;
        bytes32 stateRoot;
        bytes32 prefixRoot;
        uint32 slots;
        uint32 constants;
        uint32 nodes;
        uint32 node;
    }

    /// @notice A contiguous range of words of one operand, proven against the agreed roots.
    /// @param tensorRoot root of the operand's tensor
    /// @param path siblings of `tensorRoot` in the state tree, the constants tree or the trace prefix, bottom up
    /// @param data the whole chunks that cover the range, 1,024 bytes each
    /// @param siblings range proof of `data` in the tensor's tree
    struct Read {
        bytes32 tensorRoot;
        bytes32[] path;
        bytes data;
        bytes32[] siblings;
    }

    /// @notice The element is not one of the node's output.
    error ElementBeyondOutput(uint256 element, uint256 elements);
    /// @notice Not exactly the reads that the operator needs for this element were given.
    error ReadsWrong(uint256 given, uint256 expected);
    /// @notice A read's data is not exactly the chunks that cover its range.
    error DataLengthWrong(uint256 read, uint256 given, uint256 expected);
    /// @notice A read's tensor root is not in the agreed state, constants or trace at the operand's place.
    error OperandNotAgreed(uint256 read, bytes32 tensorRoot);
    /// @notice A read's chunks are not those of its tensor root.
    error ChunksNotInTensor(uint256 read, bytes32 tensorRoot);
    /// @notice An operand names the disputed node or a later one; no valid program does.
    error LaterNode(uint256 index, uint256 node);
    /// @notice The node's operator is not one this contract judges.
    error OperatorNotJudged(uint256 operator);
    /// @notice The node's words from `word` on break a rule of its operator; no valid program has such a node.
    error NodeMalformed(uint256 word);

    /// @notice The word the machine computes for one element of the disputed node's output.
    /// @dev Which operand words are read, and in which order, follows from the node and the element alone; `reads` gives exactly those.
    /// @param context the agreed roots
    /// Reverts for proofs that do not hold and for nodes that no valid program has; it never returns a word it is not sure of.
    /// @param element row-major index in the node's output, below its size
    /// @param record the node's record; zeros at its end may be left out
    /// @param recordPath siblings of the record in the program tree, bottom up
    /// @param reads the operand words, in the order the operator reads them
    /// @return word the element, as an unsigned 32-bit number
    function recompute(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        bytes32[] calldata recordPath,
        Read[] calldata reads
    ) external view returns (uint256 word);
}
