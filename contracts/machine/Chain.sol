// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

// See Bits.sol: without CLZ, name PortableChain here.
// solhint-disable-next-line no-unused-import
import {OsakaChain as Chain} from "./OsakaChain.sol";
