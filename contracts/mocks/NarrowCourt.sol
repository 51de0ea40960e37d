// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Court} from "../court/Court.sol";
import {IReferee} from "../interfaces/IReferee.sol";

/// @title A court that cuts into few parts, so that small programs give long games
contract NarrowCourt is Court {
    uint256 private immutable _most;

    constructor(IReferee referee_, uint256 most) Court(referee_) {
        _most = most;
    }

    function arity(uint256 level) public view override returns (uint256) {
        super.arity(level);
        return _most;
    }
}
