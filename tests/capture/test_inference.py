"""Batch inference computes what the model gives in PyTorch, and its books do not give the work away."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import final_state, outcome, slot
from touchstone import capture
from touchstone.capture.executors import fastest_machine
from touchstone.capture.graph import Graph
from touchstone.capture.witness import WORDS, _scramble
from touchstone.machine.program import DType


def perceptron() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.head(torch.tanh(self.body(x)))
        return {"scores": scores, "best": scores.argmax(1)}


@pytest.mark.parametrize("batch_size", [8, 20, 7])
def test_outputs_are_those_of_the_model_for_whole_and_for_ragged_batches(samples, batch_size: int) -> None:
    model = perceptron()
    workload = capture.inference(model, samples[0], batch_size=batch_size)
    assert workload.steps == -(-40 // batch_size)
    outputs = outcome(workload).outputs
    expected = model.eval()(torch.from_numpy(samples[0])).detach().numpy()
    assert outputs.shape == (40, 4)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


def test_chosen_rows_come_in_the_order_asked_for(samples) -> None:
    model, rows = perceptron(), [39, 3, 3, 17, 0]
    outputs = outcome(capture.inference(model, samples[0], batch_size=2, rows=rows)).outputs
    np.testing.assert_allclose(outputs, model.eval()(torch.from_numpy(samples[0][rows])).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_several_outputs_are_kept_under_their_names(samples) -> None:
    model = TwoHeads()
    outputs = outcome(capture.inference(model, samples[0], batch_size=12)).outputs
    expected = model(torch.from_numpy(samples[0]))
    assert set(outputs) == {"scores", "best"}
    np.testing.assert_array_equal(outputs["best"], expected["best"])
    np.testing.assert_allclose(outputs["scores"], expected["scores"].detach(), rtol=1e-5, atol=1e-6)


def test_the_weights_are_constants_and_the_model_keeps_its_mode(samples) -> None:
    model = perceptron()
    workload = capture.inference(model, samples[0], batch_size=8)
    assert model.training
    assert workload.slot_names == ("step", "outputs", "witness")
    assert "param:0.weight" in workload.constant_names
    assert set(outcome(workload).weights) == {"0.weight", "0.bias", "3.weight", "3.bias"}


def test_the_state_one_step_before_the_end_does_not_follow_from_the_outputs(samples) -> None:
    """Two runs whose outputs agree in the end, one of which skipped the inner work of an earlier step, differ in the witness."""
    workload = capture.inference(perceptron(), samples[0], batch_size=8)
    honest = final_state(workload)
    machine = fastest_machine(workload.program, workload.constants, threads=1)
    machine.load(workload.state)
    machine.run(1)
    lazy = machine.state()
    machine.load([np.full(1, 2, np.int32), *lazy[1:]])  # step 1 is skipped
    machine.run(workload.steps - 2)
    state = machine.state()
    state[1] = slot(workload, honest, "outputs")  # its rows are copied from the checkpoint
    assert np.array_equal(state[0], honest[0])
    assert (slot(workload, state, "witness") != slot(workload, honest, "witness")).mean() > 0.9


def test_every_word_of_the_witness_depends_on_every_other_after_one_step() -> None:
    graph = Graph()
    graph.slot(DType.I32, (1,))
    words = graph.slot(DType.I32, (WORDS,))
    result = _scramble(graph, words)
    reaches = {-1: None}
    for index, node in enumerate(graph.nodes):  # which input words each element may depend on
        masks = np.zeros((node.type.size, WORDS), dtype=bool)
        for operand in node.operands:
            source = np.eye(WORDS, dtype=bool) if operand.ref == words.ref else reaches.get(operand.ref.index)
            if source is not None and operand.strided is not None:
                grid = np.indices(node.type.shape).reshape(len(node.type.shape), -1)
                masks |= source[operand.strided.offset + np.array(operand.strided.strides) @ grid]
        reaches[index] = masks
    assert reaches[result.ref.index].all()


def test_a_model_of_one_layer_has_a_witness_too(samples) -> None:
    workload = capture.inference(nn.Linear(6, 3), samples[0], batch_size=8)
    assert np.count_nonzero(slot(workload, final_state(workload), "witness")) > WORDS // 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 40}, "at least two steps"),
        ({"batch_size": 4, "rows": [0, 40]}, "not indices of the 40 samples"),
    ],
)
def test_wrong_sizes_are_refused(samples, options, message: str) -> None:
    with pytest.raises(capture.ModelError, match=message):
        capture.inference(perceptron(), samples[0], **options)


def test_outputs_without_a_row_per_sample_are_refused(samples) -> None:
    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean(0)

    with pytest.raises(capture.ModelError, match="not a row for each of 8 samples; "):
        capture.inference(Mean(), samples[0], batch_size=8)
    with pytest.raises(capture.ModelError, match="the model fails on one batch"):
        capture.inference(nn.Linear(7, 3), samples[0], batch_size=8)
