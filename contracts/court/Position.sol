// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Clocks, Graph, Place} from "../interfaces/ICourt.sol";

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
    function elapsed(Clocks clocks, uint256 time) internal pure returns (uint256) {
        return time - ((Clocks.unwrap(clocks) >> SINCE) & MASK);
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

/// @title Level, open segment and step of a dispute
library PlaceLib {
    uint256 internal constant STEPS = 1;
    uint256 internal constant NODES = 2;
    uint256 internal constant CHUNKS = 3;
    uint256 internal constant WORD = 4;

    function make(uint256 level_, uint256 lo_, uint256 hi_, uint256 step_) internal pure returns (Place) {
        return Place.wrap((step_ << 136) | (hi_ << 72) | (lo_ << 8) | level_);
    }

    function level(Place place) internal pure returns (uint256) {
        return Place.unwrap(place) & type(uint8).max;
    }

    function lo(Place place) internal pure returns (uint256) {
        return (Place.unwrap(place) >> 8) & type(uint64).max;
    }

    function hi(Place place) internal pure returns (uint256) {
        return (Place.unwrap(place) >> 72) & type(uint64).max;
    }

    function step(Place place) internal pure returns (uint256) {
        return Place.unwrap(place) >> 136;
    }
}

/// @title What the records of the program have told so far
library GraphLib {
    uint256 private constant MASK = type(uint32).max;

    function make(uint256 slots_, uint256 constants_, uint256 nodes_) internal pure returns (Graph) {
        return Graph.wrap((nodes_ << 64) | (constants_ << 32) | slots_);
    }

    /// @notice The same counts with the disputed node and the number of elements of its output.
    function withNode(Graph graph, uint256 node_, uint256 elements_) internal pure returns (Graph) {
        return Graph.wrap(Graph.unwrap(graph) | (elements_ << 128) | (node_ << 96));
    }

    function slots(Graph graph) internal pure returns (uint256) {
        return Graph.unwrap(graph) & MASK;
    }

    function constants(Graph graph) internal pure returns (uint256) {
        return (Graph.unwrap(graph) >> 32) & MASK;
    }

    function nodes(Graph graph) internal pure returns (uint256) {
        return (Graph.unwrap(graph) >> 64) & MASK;
    }

    function node(Graph graph) internal pure returns (uint256) {
        return (Graph.unwrap(graph) >> 96) & MASK;
    }

    function elements(Graph graph) internal pure returns (uint256) {
        return Graph.unwrap(graph) >> 128;
    }
}
