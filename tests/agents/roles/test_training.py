"""Training a job: its checkpoints, its seals, and where it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.roles.views import memory
from tests.agents.roles.workloads import regression
from touchstone.commitment.replay import Replay
from touchstone.commitment.roots import seal
from touchstone.machine.runtime import NativeMachine
from touchstone.machine.workload import Workload
from touchstone.roles.journal import RoleJournal, TrainedCheckpoint
from touchstone.roles.records import JobSpec
from touchstone.roles.submitter import Offer, job_spec_of
from touchstone.roles.training import Assignment, Trainer, TrainingStoppedError
from touchstone.store.local import LocalStore
from touchstone.store.package import Package
from touchstone.store.states import read_state

STEPS, INTERVAL, JOB = 22, 8, 5


@pytest.fixture(scope="module")
def workload() -> Workload:
    return regression(STEPS)


@pytest.fixture(scope="module")
def spec(workload: Workload) -> JobSpec:
    return job_spec_of(Package.from_workload(workload), Offer(1, INTERVAL))


@pytest.fixture(scope="module")
def truth(workload: Workload) -> Replay:
    return Replay(NativeMachine(workload.program, workload.constants), workload.state, STEPS)


def trainer(workload: Workload, store: LocalStore, journal: RoleJournal, stop_after: int = 99) -> Trainer:
    done: list[TrainedCheckpoint] = []
    machine = NativeMachine(workload.program, workload.constants)
    return Trainer(machine, workload.slot_names, store, journal, done.append, lambda: len(done) >= stop_after)


def test_each_checkpoint_has_the_root_at_its_end_the_seal_over_the_step_before_and_its_state_in_the_store(
    workload: Workload, spec: JobSpec, truth: Replay, tmp_path: Path
) -> None:
    journal, store = memory(), LocalStore(tmp_path)
    trainer(workload, store, journal).run(Assignment(JOB, 1, spec, 0), workload.state)
    checkpoints = journal.checkpoints(JOB, 1)
    assert sorted(checkpoints) == [0, 1, 2]
    for number, end in enumerate((8, 16, 22)):
        found = checkpoints[number]
        assert found.root == truth.state_root(end)
        assert found.seal == seal(JOB, number, truth.state_root(end - 1))
        read_state(store.get(found.cid), workload.program, found.root)
        assert store.resolve(found.root) == found.cid
    assert sum(timing.steps for timing in journal.timings() if timing.activity == "training") == STEPS


def test_training_goes_on_from_any_checkpoint_with_the_same_result(
    workload: Workload, spec: JobSpec, truth: Replay, tmp_path: Path
) -> None:
    journal = memory()
    trainer(workload, LocalStore(tmp_path), journal).run(Assignment(JOB, 2, spec, 1), truth.state(INTERVAL))
    checkpoints = journal.checkpoints(JOB, 2)
    assert sorted(checkpoints) == [1, 2] and checkpoints[2].root == truth.state_root(STEPS)


def test_training_that_is_stopped_keeps_what_it_computed(workload: Workload, spec: JobSpec, tmp_path: Path) -> None:
    journal = memory()
    with pytest.raises(TrainingStoppedError):
        trainer(workload, LocalStore(tmp_path), journal, stop_after=0).run(Assignment(JOB, 1, spec, 0), workload.state)
    assert journal.checkpoints(JOB, 1) == {}
