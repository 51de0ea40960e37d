// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IReferee} from "../interfaces/IReferee.sol";
import {Codes} from "../machine/Codes.sol";
import {Records} from "../machine/Records.sol";

/// @title Recomputes one element of any operator
/// @notice Hands each question to the referee of the operator's family: the code of all of them does not fit one contract.
/// @dev The operator is read from a record nobody has checked yet. The family's referee checks the record against the program and refuses
/// operators that are not its own, so a wrong record cannot reach a wrong rule.
contract Referee is IReferee {
    /// @notice Referee of map.
    IReferee public immutable mapReferee;
    /// @notice Referee of dot.
    IReferee public immutable dotReferee;
    /// @notice Referee of reduce and scatter_add.
    IReferee public immutable reduceReferee;
    /// @notice Referee of move, gather and source.
    IReferee public immutable moveReferee;

    constructor(IReferee mapReferee_, IReferee dotReferee_, IReferee reduceReferee_, IReferee moveReferee_) {
        mapReferee = mapReferee_;
        dotReferee = dotReferee_;
        reduceReferee = reduceReferee_;
        moveReferee = moveReferee_;
    }

    /// @inheritdoc IReferee
    function recompute(
        Context calldata,
        uint256,
        bytes calldata record,
        bytes32[] calldata,
        Read[] calldata
    ) external view returns (uint256) {
        _forward(_family(Records.word(record, 1)));
    }

    function _family(uint256 operator) private view returns (IReferee) {
        if (operator == Codes.MAP) return mapReferee;
        if (operator == Codes.DOT) return dotReferee;
        if (operator == Codes.REDUCE || operator == Codes.SCATTER_ADD) return reduceReferee;
        if (operator == Codes.MOVE || operator == Codes.GATHER || operator == Codes.SOURCE) return moveReferee;
        revert OperatorNotJudged(operator);
    }

    /// @dev Ends the call with what `family` answers to the same calldata, be it a word or an error.
    function _forward(IReferee family) private view {
        // Nothing in memory is needed any more: the copy may start at 0.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := staticcall(gas(), family, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(ok) {
                revert(0, returndatasize())
            }
            return(0, returndatasize())
        }
    }
}
