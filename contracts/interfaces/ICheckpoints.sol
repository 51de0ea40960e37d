// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title Committing checkpoints
/// @dev Rules: docs/specification/market.md, section 5.
interface ICheckpoints is IMarketTypes {
    /// @notice Solver: commits the next 1 to 16 checkpoints.
    /// @param roots S(end) of each
    /// @param seals K of each
    function commitCheckpoints(uint256 job, bytes32[] calldata roots, bytes32[] calldata seals) external;
}
