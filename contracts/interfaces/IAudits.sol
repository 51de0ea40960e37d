// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title The audits of drawn intervals: every call but the attestation
/// @dev Rules: docs/specification/market.md, section 6.
interface IAudits is IMarketTypes {
    /// @notice Starts the clock of the drawn verifier's answer. Anyone may call it.
    function summon(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Dismisses a summoned verifier that did not answer in time: it pays one audit fee, and another is drawn. Anyone may call it.
    function dismiss(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Gives a checkpoint whose seed lapsed a fresh beacon block; it is then drawn for certain. Anyone may call it.
    function renew(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice The drawn verifier could get the state before the interval nowhere. It pays and earns nothing; nobody else is drawn, and the
    /// interval cannot become final, until it attests after all or the submitter confirms that the state is to be had.
    function reportUnavailable(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Submitter: its store has the state before an interval whose verifier could not get it. Another verifier is drawn.
    function confirmAvailable(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;
}
