// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Graph} from "../interfaces/ICourt.sol";

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
