// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {MarketStorage} from "./MarketStorage.sol";
import {Pricing} from "./Pricing.sol";

/// @title Which intervals are audited, and by whom
/// @dev docs/specification/market.md, section 6.
abstract contract Draw is MarketStorage {
    function _randomness(uint256 beaconBlock) internal view returns (bytes32 randomness) {
        randomness = _beacon.randomness(beaconBlock);
        require(randomness != 0, SeedMissing(beaconBlock));
    }

    /// @dev The audit of an open interval that is drawn, not attested and not disputed, and who has to answer it.
    function _openSeat(
        uint256 job,
        uint32 interval,
        Checkpoint calldata checkpoint
    ) internal view returns (JobData storage data, Audit storage audit, address verifier) {
        data = _live(job);
        require(!_checkOpen(job, data, interval, checkpoint), AlreadyAttested(job, interval));
        audit = _audits[job][data.round][interval];
        // Moves of a dispute show states, so nobody can prove to have run the interval while one is on.
        require(audit.disputes == 0, DisputesOpen(job, interval, audit.disputes));
        bool drawn;
        (drawn, verifier) = _draw(job, data, interval, checkpoint, _randomness(checkpoint.beaconBlock));
        require(drawn && verifier != address(0), NotDrawn(job, interval));
    }

    /// @dev Writes down who attested an interval, for the time when its draw can no longer be repeated.
    function _recordAttester(Audit storage audit, address verifier) internal {
        audit.verifier = verifier;
        audit.attested = true;
        audit.withheld = false;
    }

    /// @dev Whether the interval is drawn, and its verifier at the present attempt. A summoned verifier stays until it is
    /// dismissed, one that lacks the state until that is to be had, one that attested for ever. Otherwise:
    /// the weights are those of the block that fixed the beacon block; the solver and the verifier that failed last are passed over.
    function _draw(
        uint256 job,
        JobData storage data,
        uint256 interval,
        Checkpoint calldata checkpoint,
        bytes32 randomness
    ) internal view returns (bool drawn, address verifier) {
        uint256 seed = uint256(keccak256(abi.encode(randomness, address(this), job, data.round, interval)));
        drawn = checkpoint.forced || seed % Pricing.ONE < data.auditRate;
        if (!drawn) return (false, address(0));
        Audit storage audit = _audits[job][data.round][interval];
        if (audit.answerBy != 0 || audit.withheld || audit.attested) return (true, audit.verifier);
        address solver = data.solver;
        address failed = audit.attempt == 0 ? address(0) : audit.verifier;
        uint256 snapshot = checkpoint.beaconBlock - _beaconDelay;
        address substitute;
        for (uint256 i = 0; i < DRAW_TRIES; ++i) {
            verifier = _vault.draw(snapshot, uint256(keccak256(abi.encode(seed, audit.attempt, i))));
            if (verifier == address(0)) break;
            if (verifier == solver) continue;
            if (verifier != failed) return (true, verifier);
            substitute = verifier;
        }
        return (true, substitute);
    }
}
