// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAttestation} from "../interfaces/IAttestation.sol";
import {Draw} from "./Draw.sol";

/// @title The answer that pays: confirming an interval
/// @dev docs/specification/market.md, section 6. What honest audits cost is this call, so it stores as little as can be.
abstract contract Attestation is IAttestation, Draw {
    /// @inheritdoc IAttestation
    function attest(uint256 job, uint32 interval, Checkpoint calldata checkpoint, bytes32 stateRoot) external {
        (JobData storage data, Audit storage audit, address verifier) = _openSeat(job, interval, checkpoint);
        require(msg.sender == verifier, NotDrawnVerifier(msg.sender, verifier));
        bytes32 seal = sha256(abi.encode(job, uint256(interval), stateRoot));
        require(seal == checkpoint.seal, WrongSeal(checkpoint.seal, seal));
        _checkpoints[job][interval] |= ATTESTED;
        // Where the audit is on record already, the draw goes by it. Otherwise it can be drawn again, if ever somebody asks.
        if (audit.verifier != address(0)) _recordAttester(audit, verifier);
        uint256 reserve = data.auditReserve;
        uint256 fee = Math.min(_auditFee(data), reserve);
        data.auditReserve = uint96(reserve - fee);
        data.escrow -= uint96(fee);
        data.openAudits += 1;
        emit Attested(job, interval, verifier, stateRoot, fee);
        if (fee > 0) _vault.credit(verifier, fee);
    }
}
