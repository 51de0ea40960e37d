// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title Making intervals final, and ending assignments
/// @dev Rules: docs/specification/market.md, section 7.
interface IFinality is IMarketTypes {
    /// @notice Makes the next intervals final, pays the solver for them, and settles the job with the last one. Anyone may call it.
    /// @param checkpoints the checkpoints of the intervals finalised, finalised + 1, …
    function finalise(uint256 job, Checkpoint[] calldata checkpoints) external;

    /// @notice Ends an assignment whose next batch is overdue. Anyone may call it.
    function expire(uint256 job) external;

    /// @notice Ends a job whose next interval cannot become final because its audit has not been answered for the stall period. Anyone may call it.
    /// An assignment that has ended before keeps the reason it ended for.
    /// @param checkpoint the checkpoint of interval `finalised`
    function abandon(uint256 job, Checkpoint calldata checkpoint) external;
}
