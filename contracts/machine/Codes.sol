// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Codes of operators and functions
/// @notice docs/specification/machine.md, section 3.
library Codes {
    /* OPERATORS */

    uint256 internal constant MAP = 1;
    uint256 internal constant DOT = 2;
    uint256 internal constant REDUCE = 3;
    uint256 internal constant MOVE = 4;
    uint256 internal constant GATHER = 5;
    uint256 internal constant SCATTER_ADD = 6;
    uint256 internal constant SOURCE = 7;

    /* FUNCTIONS OF MAP */

    uint256 internal constant ADD = 1;
    uint256 internal constant SUB = 2;
    uint256 internal constant MUL = 3;
    uint256 internal constant DIV = 4;
    uint256 internal constant FMA = 5;
    uint256 internal constant NEG = 6;
    uint256 internal constant ABS = 7;
    uint256 internal constant SQRT = 8;
    uint256 internal constant MAX = 9;
    uint256 internal constant MIN = 10;
    uint256 internal constant LT = 16;
    uint256 internal constant LE = 17;
    uint256 internal constant EQ = 18;
    uint256 internal constant EXP = 24;
    uint256 internal constant LOG = 25;
    uint256 internal constant TANH = 26;
    uint256 internal constant ERF = 27;
    uint256 internal constant SIN = 28;
    uint256 internal constant COS = 29;
    uint256 internal constant IADD = 32;
    uint256 internal constant ISUB = 33;
    uint256 internal constant IMUL = 34;
    uint256 internal constant IDIV = 35;
    uint256 internal constant IMOD = 36;
    uint256 internal constant IAND = 37;
    uint256 internal constant IOR = 38;
    uint256 internal constant IXOR = 39;
    uint256 internal constant ISHL = 40;
    uint256 internal constant ISHR = 41;
    uint256 internal constant ILT = 42;
    uint256 internal constant ILE = 43;
    uint256 internal constant IEQ = 44;
    uint256 internal constant SELECT = 48;
    uint256 internal constant I2F = 49;
    uint256 internal constant F2I = 50;

    /* FUNCTIONS OF REDUCE */

    uint256 internal constant REDUCE_SUM = 1;
    uint256 internal constant REDUCE_MAX = 2;
    uint256 internal constant REDUCE_MIN = 3;
    uint256 internal constant REDUCE_ARGMAX = 4;

    /* FUNCTIONS OF SOURCE */

    uint256 internal constant CONSTANT = 1;
    uint256 internal constant IOTA = 2;
    uint256 internal constant PHILOX = 3;
}
