// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {ICourt} from "../interfaces/ICourt.sol";

/// @title Opens any dispute a test asks for and reports the verdicts
contract ScriptedArbitrable is IArbitrable {
    ICourt public immutable court;

    /// @notice The court's verdict.
    event Verdict(uint256 indexed dispute, bool challengerWins, bool byProof);

    error NotTheCourt(address sender);

    constructor(ICourt court_) {
        court = court_;
    }

    function open(ICourt.Claim calldata claim, bytes32[] calldata roots) external returns (uint256) {
        return court.open(claim, roots);
    }

    /// @inheritdoc IArbitrable
    function onVerdict(uint256 dispute, bytes32, address, bool challengerWins, bool byProof) external {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        emit Verdict(dispute, challengerWins, byProof);
    }
}
