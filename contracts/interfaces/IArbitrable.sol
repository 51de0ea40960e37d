// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Receives the verdict of a dispute it opened
interface IArbitrable {
    /// @notice Called by the court exactly once per dispute, by the transaction that ends it.
    /// @param dispute the number `ICourt.open` returned
    /// @param context what the arbitrable gave with the claim
    /// @param challenger who denied the claim
    /// @param challengerWins whether the claim was found wrong (or its defender ran out of time)
    /// @param byProof true when a proof settled it, false when a clock did
    function onVerdict(uint256 dispute, bytes32 context, address challenger, bool challengerWins, bool byProof) external;
}
