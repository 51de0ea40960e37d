// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Receives the verdict of a dispute it opened
interface IArbitrable {
    /// @notice Called by the court exactly once per dispute, by the transaction that ends it.
    /// @param dispute the number `ICourt.open` returned
    /// @param challengerWins whether the claim was found wrong (or its defender ran out of time)
    /// @param byProof true when a proof settled it, false when a clock did
    function onVerdict(uint256 dispute, bool challengerWins, bool byProof) external;
}

/// @title The dispute game: one claim, one solver, one challenger
/// @dev Rules: docs/specification/court.md. Whoever opens a dispute (a market) receives its verdict; the court holds no funds.
interface ICourt {
    /// @notice "From `startRoot`, `steps` steps of the program end in the state root `target`", or, with `isSeal`, "the state root D one step
    /// before the end has SHA-256(job ‖ interval ‖ D) = `target`".
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
    }

    /// @notice Opens a dispute; the caller is the arbitrable contract. The solver is to move.
    /// @param claim what is denied
    /// @param roots the challenger's opening dissection of the interval
    /// @return dispute number of the dispute, from 1
    function open(Claim calldata claim, bytes32[] calldata roots) external returns (uint256 dispute);
}
