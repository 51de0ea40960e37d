// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {ICourt} from "../interfaces/ICourt.sol";

/// @title Opens any dispute a test asks for and remembers the verdicts
contract ScriptedArbitrable is IArbitrable {
    /// @notice A verdict as the court pronounced it.
    struct Verdict {
        uint256 count;
        bool challengerWins;
        bool byProof;
    }

    ICourt public immutable court;
    mapping(uint256 dispute => Verdict) public verdicts;

    error NotTheCourt(address sender);

    constructor(ICourt court_) {
        court = court_;
    }

    function open(ICourt.Claim calldata claim, bytes32[] calldata roots) external returns (uint256) {
        return court.open(claim, roots);
    }

    /// @inheritdoc IArbitrable
    function onVerdict(uint256 dispute, bool challengerWins, bool byProof) external {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        verdicts[dispute] = Verdict(verdicts[dispute].count + 1, challengerWins, byProof);
    }
}
