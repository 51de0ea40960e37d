// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Clocks} from "../interfaces/ICourt.sol";

/// @title Chess clocks of a dispute
/// @notice docs/specification/court.md, section 4. Times are block times in seconds.
/// @dev Every value fits the 40 bits it has: budgets enter as uint40, times left never exceed the budget.
library ClocksLib {
    uint256 private constant MASK = type(uint40).max;
    uint256 private constant BUDGET = 40;
    uint256 private constant CHALLENGER = 80;
    uint256 private constant SOLVER = 120;
    uint256 private constant SINCE = 160;
    uint256 private constant TURN = 200;

    /// @notice Both sides with their whole budget, the solver to move from `time` on.
    function start(uint40 budget, uint40 increment, uint256 time) internal pure returns (Clocks) {
        return _pack(budget, increment, budget, budget, time, true);
    }

    function solverMoves(Clocks clocks) internal pure returns (bool) {
        return Clocks.unwrap(clocks) >> TURN != 0;
    }

    /// @notice Seconds the side to move had when its turn began.
    function left(Clocks clocks) internal pure returns (uint256) {
        return (Clocks.unwrap(clocks) >> (solverMoves(clocks) ? SOLVER : CHALLENGER)) & MASK;
    }

    /// @notice Seconds since the turn began.
    /// @dev Unchecked: clocks that anybody sent may be nonsense; a turn that begins in the future has run out of every clock.
    function elapsed(Clocks clocks, uint256 time) internal pure returns (uint256) {
        unchecked {
            return time - ((Clocks.unwrap(clocks) >> SINCE) & MASK);
        }
    }

    /// @notice The clocks after a move at `time`: the mover loses what it used, gains the increment, never exceeds the budget.
    /// @dev The caller has checked that the mover was not late.
    function pass(Clocks clocks, uint256 time) internal pure returns (Clocks) {
        uint256 raw = Clocks.unwrap(clocks);
        uint256 increment = raw & MASK;
        uint256 budget = (raw >> BUDGET) & MASK;
        uint256 mine = left(clocks) - elapsed(clocks, time) + increment;
        if (mine > budget) mine = budget;
        bool solver = solverMoves(clocks);
        uint256 ofSolver = solver ? mine : (raw >> SOLVER) & MASK;
        uint256 ofChallenger = solver ? (raw >> CHALLENGER) & MASK : mine;
        return _pack(budget, increment, ofSolver, ofChallenger, time, !solver);
    }

    function _pack(
        uint256 budget,
        uint256 increment,
        uint256 ofSolver,
        uint256 ofChallenger,
        uint256 since,
        bool solver
    ) private pure returns (Clocks) {
        uint256 turn = solver ? 1 : 0;
        return
            Clocks.wrap(
                (turn << TURN) | (since << SINCE) | (ofSolver << SOLVER) | (ofChallenger << CHALLENGER) | (budget << BUDGET) | increment
            );
    }
}
