// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "../interfaces/IMarketTypes.sol";

/// @title What the market wants back with a verdict, in one word
/// @dev From the lowest bit: job (64), interval (32), round (8), attempt (8), 1 if the challenger was the drawn verifier (8), 1 for a seal (8),
/// bond (96). The court binds it with the dispute's terms, so the market stores nothing per dispute.
library DisputeContext {
    function pack(IMarketTypes.Dispute memory dispute) internal pure returns (bytes32) {
        uint256 flags = (dispute.isSeal ? 1 << 8 : 0) | (dispute.drawn ? 1 : 0);
        return
            bytes32(
                (uint256(dispute.bond) << 128) |
                    (flags << 112) |
                    (uint256(dispute.attempt) << 104) |
                    (uint256(dispute.round) << 96) |
                    (uint256(dispute.interval) << 64) |
                    dispute.job
            );
    }

    function unpack(bytes32 context) internal pure returns (IMarketTypes.Dispute memory dispute) {
        uint256 word = uint256(context);
        dispute.job = uint64(word);
        dispute.interval = uint32(word >> 64);
        dispute.round = uint8(word >> 96);
        dispute.attempt = uint8(word >> 104);
        dispute.drawn = uint8(word >> 112) != 0;
        dispute.isSeal = uint8(word >> 120) != 0;
        dispute.bond = uint96(word >> 128);
    }
}
