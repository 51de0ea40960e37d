// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

// Which EVM the arithmetic is compiled for. On chains without Osaka's CLZ opcode (EIP-7939) name PortableBits here and PortableChain in
// Chain.sol; results are the same, gas is not. `make portable` builds and tests that variant.
// solhint-disable-next-line no-unused-import
import {OsakaBits as Bits} from "./OsakaBits.sol";
