// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IAttestation} from "./IAttestation.sol";
import {IAuction} from "./IAuction.sol";
import {IAudits} from "./IAudits.sol";
import {IBeacon} from "./IBeacon.sol";
import {ICheckpoints} from "./ICheckpoints.sol";
import {ICourt} from "./ICourt.sol";
import {IDisputes} from "./IDisputes.sol";
import {IFinality} from "./IFinality.sol";
import {IMarketErrors} from "./IMarketErrors.sol";
import {IMarketEvents} from "./IMarketEvents.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title A market where strangers buy and sell training jobs
/// @notice Rules, formulas and the order of calls: docs/specification/market.md.
interface IJobMarket is IAuction, ICheckpoints, IAttestation, IFinality, IAudits, IDisputes, IMarketEvents, IMarketErrors {
    /* CALLS */

    /// @notice Tells where the caller's store is; an event only.
    function announce(string calldata endpoint) external;

    /* VIEWS */

    /// @notice Whether an interval is drawn for an audit and who audits it now (zero: nobody has weight, the interval goes unaudited).
    /// @dev Reverts with SeedMissing until the beacon has the block's randomness.
    function drawOf(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external view returns (bool drawn, address verifier);

    function jobs() external view returns (uint256);

    /// @notice A job as it stands; reverts with UnknownJob.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice keccak256(abi.encode(spec)).
    function specHashOf(uint256 job) external view returns (bytes32);

    /// @notice keccak256(abi.encode(checkpoint)), its last bit cleared, of an interval that is not final yet, or is the last final one; zero
    /// otherwise.
    function checkpointHashOf(uint256 job, uint32 interval) external view returns (bytes32);

    function auditOf(uint256 job, uint32 interval) external view returns (Audit memory);

    /// @notice The commitment of a bid that is not revealed; zero otherwise.
    function bidOf(uint256 job, uint8 round, address bidder) external view returns (bytes32);

    function parameters() external view returns (Parameters memory);

    function court() external view returns (ICourt);

    function vault() external view returns (IStakeVault);

    function beacon() external view returns (IBeacon);
}
