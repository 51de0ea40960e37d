// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {ICourt} from "../interfaces/ICourt.sol";

/// @title ScriptedCourt
/// @notice Stands in for the court in tests of the market: records claims, and gives the verdict a test asks for, once.
contract ScriptedCourt {
    mapping(uint256 dispute => address arbitrable) public arbitrableOf;
    mapping(uint256 dispute => ICourt.Claim claim) private _claims;
    uint256 public disputes;

    error NotRunning(uint256 dispute);

    function open(ICourt.Claim calldata claim, bytes32[] calldata) external returns (uint256 dispute) {
        dispute = ++disputes;
        arbitrableOf[dispute] = msg.sender;
        _claims[dispute] = claim;
    }

    function pronounce(uint256 dispute, bool challengerWins, bool byProof) external {
        address arbitrable = arbitrableOf[dispute];
        if (arbitrable == address(0)) revert NotRunning(dispute);
        delete arbitrableOf[dispute];
        ICourt.Claim storage claim = _claims[dispute];
        IArbitrable(arbitrable).onVerdict(dispute, claim.context, claim.challenger, challengerWins, byProof);
    }

    /// @notice What a dispute was opened with, also after its verdict.
    function claimOf(uint256 dispute) external view returns (ICourt.Claim memory) {
        return _claims[dispute];
    }

    function isRunning(uint256 dispute) external view returns (bool) {
        return arbitrableOf[dispute] != address(0);
    }
}
