"""The three acts of the demo."""

from __future__ import annotations

import numpy as np
import safetensors.numpy
import torch
from torch import nn

from scripts.demo.processes import DemoError
from scripts.demo.stage import Stage
from scripts.examples import digits_mlp
from touchstone import capture
from touchstone.commitment.roots import state_root
from touchstone.machine.runtime import NativeMachine
from touchstone.roles.ledger import JobRecord
from touchstone.roles.records import Status


def honest_job(stage: Stage) -> None:
    """Job A: bought, trained, audited, paid; the result is downloaded, recomputed, and compared with eager PyTorch."""
    stage.title("Job A: an honest solver is paid, and its result is checked")
    record = stage.play("A", audit_rate=50).record
    _check_settled(record)
    result = stage.cast.run(
        "submitter", ["download", str(record.number), "--rerun", f"--output={stage.cast.directory / 'result.safetensors'}"]
    )
    stage.say(
        f"the submitter has recomputed the job: state root {result['root'][:18]}… on chain and every weight equal, bit for bit",
        "bold green",
    )
    trained = safetensors.numpy.load_file(result["file"])
    model = digits_mlp.build_model()
    capture.export(stage.workload, [trained[name] for name in stage.workload.slot_names], model)
    ours, theirs = digits_mlp.accuracy(model), digits_mlp.accuracy(_train_eagerly(stage))
    stage.say(f"test accuracy: {ours:.2%} from the market, {theirs:.2%} from eager PyTorch on the same batches", "bold green")


def cheating_solver(stage: Stage, kind: str, seed: int) -> None:
    """Job B: a cheating solver wins the auction, is found out by the drawn verifier, and convicted by the referee; the job goes on."""
    stage.title("Job B: a cheating solver is convicted by a contract that recomputes one number")
    fault = stage.choose_fault(kind, seed, liar_solves=True)
    stage.start("cheater", ["solver", "run", "--fixed-price=0.1", "--batch=16"], fault)
    record = stage.play("B", audit_rate=100).record
    stage.cast.stop("cheater")
    _check_settled(record)
    cheater = stage.players["cheater"].address
    if not any(event.name == "Convicted" and event.values["solver"] == cheater and event.values["byProof"] for event in record.events):
        raise DemoError("the cheating solver was not convicted by proof")
    if record.final_root != _honest_root(stage):
        raise DemoError("job B did not end in the state that honest work reaches")
    stage.say("the job went on from its last final checkpoint and ended where honest work ends", "bold green")


def false_challenge(stage: Stage, kind: str, seed: int) -> None:
    """Job C: a dishonest verifier denies honest work and loses its bond."""
    stage.title("Job C: a dishonest verifier challenges honest work and loses its bond")
    fault = stage.choose_fault(kind, seed, liar_solves=False)
    stage.start("accuser", ["verifier", "run", "--whistleblower", "--stake=50"], fault)
    record = stage.play("C", audit_rate=100).record
    stage.cast.stop("accuser")
    _check_settled(record)
    accuser = stage.players["accuser"].address
    if not any(event.name == "ChallengeFailed" and event.values["challenger"] == accuser for event in record.events):
        raise DemoError("the dishonest verifier did not lose its bond")
    disputes = stage.reader.read().ledger.disputes.values()
    verdicts = [each for each in disputes if each.job == record.number and each.challenger == accuser and each.is_over]
    if not any(each.winner == each.solver and each.by_proof for each in verdicts):
        raise DemoError("the dishonest verifier lost by the clock, not by proof")
    if record.final_root != _honest_root(stage):
        raise DemoError("job C did not end in the state that honest work reaches")


def _check_settled(record: JobRecord) -> None:
    if record.ended is not Status.SETTLED:
        raise DemoError(f"job {record.number} ended as {record.ended}, not settled")


def _honest_root(stage: Stage) -> bytes:
    workload = stage.workload
    machine = NativeMachine(workload.program, workload.constants)
    machine.load(workload.state)
    machine.run(workload.steps)
    return state_root(machine.state())


def _train_eagerly(stage: Stage) -> nn.Module:
    """The same training in plain PyTorch, on the batches of the committed order."""
    images, labels = (torch.from_numpy(np.asarray(array)) for array in digits_mlp.digits())
    order = stage.workload.constants[stage.workload.constant_names.index("order")]
    model, loss = digits_mlp.build_model(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
    for batch in torch.from_numpy(order.astype(np.int64)):
        optimizer.zero_grad()
        loss(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    return model
