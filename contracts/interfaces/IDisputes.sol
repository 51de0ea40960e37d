// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "./IArbitrable.sol";
import {IMarketTypes} from "./IMarketTypes.sol";

/// @title Challenging checkpoints
/// @dev Rules: docs/specification/market.md, section 8.
interface IDisputes is IArbitrable, IMarketTypes {
    /// @notice Denies a checkpoint's root or, with `isSeal`, its seal. Charges the bond and opens a dispute in the court. Anyone, inside the
    /// window; the drawn verifier also later, as long as it may answer.
    /// @param spec the job's specification
    /// @param start the checkpoint before the interval; ignored for interval 0
    /// @param end the interval's checkpoint
    /// @param roots the challenger's opening dissection (docs/specification/court.md)
    /// @return dispute its number in the court
    function challenge(
        uint256 job,
        uint32 interval,
        bool isSeal,
        JobSpec calldata spec,
        Checkpoint calldata start,
        Checkpoint calldata end,
        bytes32[] calldata roots
    ) external returns (uint256 dispute);
}
