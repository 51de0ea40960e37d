// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Chain} from "../../contracts/machine/Chain.sol";
import {Bits} from "../../contracts/machine/Bits.sol";
import {Float32} from "../../contracts/machine/Float32.sol";
import {PortableBits} from "../../contracts/machine/PortableBits.sol";
import {PortableChain} from "../../contracts/machine/PortableChain.sol";

/// @title The chain for eight terms at a time against the definition, one fma after another
contract DotTest {
    /// @dev Words the fast path is close to giving back: the exponent sums 150 … 152 and 316 … 318, zeros, subnormals, infinities.
    uint256 private constant KINDS = 9;
    /// @dev Pairs of terms cancel but for what rounding the first lost, which only a subnormal can hold.
    uint256 private constant VANISHING = 8;

    function testFuzz_chainsAreEqualOnAnyBits(bytes32[4] memory a, bytes32[4] memory b, uint32 acc) external view {
        this.assertEqual(acc, abi.encodePacked(a), abi.encodePacked(b));
    }

    function testFuzz_chainsAreEqualAroundTheLimitsOfTheFastPath(uint256 seed, uint8 length, uint32 acc) external view {
        uint256 terms = 1 + (length % 64);
        bytes memory a = new bytes(4 * terms);
        bytes memory b = new bytes(4 * terms);
        // Mostly one kind, so that whole groups of eight qualify.
        uint256 kind = seed % KINDS;
        uint256 repeated = kind == VANISHING ? 2 : 1;
        for (uint256 i = 0; i < terms; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i / repeated)));
            (uint256 x, uint256 y) = _pair(random >> 16, random % 16 == 0 ? (random >> 8) % KINDS : kind);
            if (repeated == 2 && i % 2 == 1) x ^= Float32.SIGN;
            _put(a, i, x);
            _put(b, i, y);
        }
        this.assertEqual(acc, a, b);
        this.assertEqual(0, a, b);
        this.assertEqual(Float32.SIGN, a, b);
    }

    function testFuzz_bothHighestBitsAgree(uint256 x, uint8 shift) external pure {
        x >>= shift;
        if (x == 0) return;
        assert(Bits.highest(x) == PortableBits.highest(x));
        assert(x >> Bits.highest(x) == 1);
    }

    function assertEqual(uint256 acc, bytes calldata a, bytes calldata b) external pure {
        acc = Float32.canonical(acc);
        uint256 x;
        uint256 y;
        assembly ("memory-safe") {
            x := a.offset
            y := b.offset
        }
        uint256 terms = a.length / 4;
        assert(Chain.run(acc, x, y, terms) == PortableChain.run(acc, x, y, terms));
    }

    function _pair(uint256 random, uint256 kind) private pure returns (uint256 x, uint256 y) {
        uint256 exponent = 60 + (random % 130);
        uint256 other = 110 + ((random >> 8) % 30);
        if (kind == 1) other = _clamp(150 + ((random >> 8) % 3), exponent);
        if (kind == 2) (exponent, other) = (160 + (random % 90), _clamp(316 + ((random >> 8) % 3), 160 + (random % 90)));
        if (kind == 3) exponent = 0; // subnormal
        if (kind == 4) exponent = 255; // infinite or NaN
        if (kind == VANISHING) other = 130 + ((random >> 8) % 30) - (exponent = 40 + (random % 50));
        x = ((random >> 32) & 0x807fffff) | (exponent << 23);
        y = ((random >> 64) & 0x807fffff) | (other << 23);
        if (kind == 5) x &= Float32.SIGN; // zero
        if (kind == 6) (x, y) = (x & 0xff800000, y & 0xff800000); // powers of two: ties and cancellation
        if (kind == 7) (x, y) = ((x & Float32.SIGN) | 0x3f800000 | (random & 1), (y & Float32.SIGN) | 0x3f800000);
    }

    function _clamp(uint256 sum, uint256 exponent) private pure returns (uint256) {
        return
            sum < exponent + 1
                ? 1
                : sum - exponent > 254
                    ? 254
                    : sum - exponent;
    }

    function _put(bytes memory words, uint256 index, uint256 word) private pure {
        for (uint256 k = 0; k < 4; ++k) words[4 * index + k] = bytes1(uint8(word >> (8 * k)));
    }
}
