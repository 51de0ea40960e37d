// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {MapFunctions} from "../machine/MapFunctions.sol";
import {Operands} from "../machine/Operands.sol";
import {Records} from "../machine/Records.sol";
import {RefereeFamily} from "./RefereeFamily.sol";

/// @title Referee of map
/// @notice docs/specification/machine.md, section 3.1. Reads one word of each operand, in order.
contract RefereeMap is RefereeFamily {
    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view override returns (uint256) {
        uint256 operator = Records.word(record, OPERATOR);
        if (operator != Codes.MAP) revert OperatorNotJudged(operator);
        uint256 fn = Records.word(record, FUNCTION);
        uint256 declared = Records.word(record, DTYPE);
        uint256 arity = MapFunctions.arity(fn);
        _require(declared == MapFunctions.resultDtype(fn, declared), DTYPE);
        _requireWord(record, OPERAND_COUNT, arity);
        _requireReads(reads, arity);

        uint256[] memory coordinates = _coordinates(record, element);
        uint256[3] memory words;
        uint256 cursor = Operands.FIRST;
        for (uint256 position = 0; position < arity; ++position) {
            Operands.Operand memory operand = Operands.read(record, cursor);
            _require(operand.tensor.dtype == MapFunctions.operandDtype(fn, position, declared), cursor);
            uint256 index = Operands.stridedIndex(record, operand, coordinates);
            words[position] = _readWord(context, reads, position, operand, index);
            cursor = operand.access + 1 + coordinates.length;
        }
        return MapFunctions.evaluate(fn, words[0], words[1], words[2]);
    }
}
