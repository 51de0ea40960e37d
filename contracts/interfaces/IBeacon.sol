// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Randomness of one block, fixed by the block's number before anybody knows it
/// @dev Used by the market's audit draw: docs/specification/market.md, section 6. Another source may stand behind the same interface.
interface IBeacon {
    /// @notice The randomness of a block was proved and can be read from now on.
    event Recorded(uint256 indexed blockNumber, bytes32 randomness);

    /// @notice The header is not the one of this block, or the chain no longer knows (or does not know yet) the block's hash.
    error UnknownBlock(uint256 blockNumber, bytes32 headerHash, bytes32 knownHash);

    /// @notice Proves and stores the randomness of a past block. Anyone may call it; a second call for the same block changes nothing.
    /// @param blockNumber number of the block, lower than the current one and at most 8,191 blocks old
    /// @param header RLP encoding of the block's header; its keccak256 is the block's hash
    /// @return randomness the header's prevRandao
    function record(uint256 blockNumber, bytes calldata header) external returns (bytes32 randomness);

    /// @notice The recorded randomness of a block, zero if none is recorded.
    function randomness(uint256 blockNumber) external view returns (bytes32);

    /// @notice Whether the block is past and too old to be recorded any more (and was not).
    function lapsed(uint256 blockNumber) external view returns (bool);
}
