// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title Confirming the intervals one is drawn for
/// @dev Rules: docs/specification/market.md, section 6.
interface IAttestation is IMarketTypes {
    /// @notice Drawn verifier: confirms the interval by showing S(end−1). Pays the audit fee. No summons is needed.
    function attest(uint256 job, uint32 interval, Checkpoint calldata checkpoint, bytes32 stateRoot) external;
}
