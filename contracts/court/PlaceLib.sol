// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Place} from "../interfaces/ICourt.sol";

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

    /// @notice Transitions in the open segment.
    /// @dev Unchecked: a place that anybody sent may be nonsense, and is then refused later.
    function length(Place place) internal pure returns (uint256) {
        unchecked {
            return uint64(hi(place) - lo(place));
        }
    }
}
