// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

import {IBeacon} from "../interfaces/IBeacon.sol";

/// @title RandaoBeacon
/// @notice The prevRandao (EIP-4399) of a block, proved from its header against the hash the chain keeps (EIP-2935).
/// @dev The caller cannot choose: the block's number was fixed before, and one block has one prevRandao.
contract RandaoBeacon is IBeacon {
    /* CONSTANTS */

    /// @dev How many past blocks EIP-2935 serves.
    uint256 private constant HISTORY = 8191;

    /* STORAGE */

    /// @inheritdoc IBeacon
    mapping(uint256 blockNumber => bytes32 value) public randomness;

    /* FUNCTIONS */

    /// @inheritdoc IBeacon
    function record(uint256 blockNumber, bytes calldata header) external returns (bytes32 value) {
        value = randomness[blockNumber];
        if (value != 0) return value;
        bytes32 known = Blockhash.blockHash(blockNumber);
        bytes32 given = keccak256(header);
        require(known != 0 && known == given, UnknownBlock(blockNumber, given, known));
        value = BlockHeader.getPrevRandao(header);
        randomness[blockNumber] = value;
        emit Recorded(blockNumber, value);
    }

    /// @inheritdoc IBeacon
    function lapsed(uint256 blockNumber) external view returns (bool) {
        return block.number > blockNumber + HISTORY && randomness[blockNumber] == 0;
    }
}
