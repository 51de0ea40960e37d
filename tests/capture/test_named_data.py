"""Data by the names of the model's arguments, targets that nobody needs, and models that give their own loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.refusals import assert_one_line
from tests.capture.runs import constant, final_state, outcome, slot, train_eagerly
from touchstone import capture

LENGTH, WORDS, CLASSES = 6, 6, 6


class Judged(NamedTuple):
    """What Hugging Face's models give."""

    loss: torch.Tensor | None
    logits: torch.Tensor


class Reader(nn.Module):
    """Averages the embeddings of the words that are there."""

    def __init__(self, give: str = "outputs") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head, self.give = nn.Embedding(WORDS, 8), nn.Linear(8, CLASSES), give

    def forward(self, words: torch.Tensor, present: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        weights = present.to(torch.float32) if present.dtype is torch.bool else torch.full(present.shape, torch.nan)
        mean = (self.embedding(words) * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True)
        logits = self.head(mean)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        made = {"logits": logits, "number": loss, "outputs": Judged(loss, logits), "mapping": {"loss": loss}, "pair": (loss, logits)}
        return made[self.give]


@pytest.fixture(scope="module")
def sentences() -> dict[str, np.ndarray]:
    """40 sentences of up to six words; the label is the first word."""
    generator = np.random.default_rng(3)
    words = generator.integers(0, WORDS, (40, LENGTH))
    present = np.arange(LENGTH) < generator.integers(1, LENGTH + 1, (40, 1))
    return {"present": present, "words": words, "labels": words[:, 0]}


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.5)


def own_loss(give: str, sentences: dict[str, np.ndarray], **options):
    model = Reader(give)
    return capture(model, options.pop("loss", None), sgd(model), sentences, **{"batch_size": 10, "steps": 20} | options)


@pytest.mark.parametrize("give", ["number", "outputs", "mapping"])
def test_a_model_that_gives_its_own_loss_trains_as_with_a_loss_of_targets(sentences, give: str) -> None:
    inputs = {name: sentences[name] for name in ("words", "present")}
    model = Reader("logits")
    outside = capture(model, nn.CrossEntropyLoss(), sgd(model), inputs, sentences["labels"], batch_size=10, steps=20)
    assert {"data:words", "data:present", "data:y", "order"} == set(outside.constant_names)
    inside = own_loss(give, sentences)
    assert {"data:words", "data:present", "data:labels", "order"} == set(inside.constant_names)
    assert inside.info["loss"] is None and outside.info["loss"] == "CrossEntropyLoss"
    losses = slot(inside, final_state(inside), "loss_history")
    np.testing.assert_array_equal(losses, slot(outside, final_state(outside), "loss_history"))
    assert losses[-1] < losses[0] * 0.9


def test_micro_batches_of_named_arrays_average_to_the_whole_batch(sentences) -> None:
    whole, parts = own_loss("number", sentences), own_loss("number", sentences, accumulation_steps=2)
    np.testing.assert_allclose(final_state(parts)[1], final_state(whole)[1], rtol=1e-5)


def test_a_loss_without_targets_is_given_the_outputs_alone(samples) -> None:
    data, _ = samples
    torch.manual_seed(0)
    model = nn.Linear(6, 6)
    workload = capture(model, lambda outputs: (outputs**2).mean(), torch.optim.SGD(model.parameters(), 0.1), data, batch_size=10, steps=20)
    assert "data:y" not in workload.constant_names
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    eager = train_eagerly(model, lambda outputs, _: (outputs**2).mean(), optimizer, data, data, constant(workload, "order"))
    np.testing.assert_allclose(slot(workload, final_state(workload), "loss_history"), eager, rtol=1e-4)


def test_inference_and_evaluation_take_named_arrays_and_structured_outputs(sentences) -> None:
    model, inputs = Reader(), {name: sentences[name] for name in ("words", "present")}
    scores = outcome(capture.inference(model, inputs, batch_size=9)).tensors["outputs:logits"]
    expected = model(**{name: torch.from_numpy(array) for name, array in inputs.items()}).logits.detach().numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)

    def hits(outputs: Judged, targets: torch.Tensor) -> torch.Tensor:
        return outputs.logits.argmax(1) == targets

    measured = outcome(capture.evaluation(model, {"hits": hits}, inputs, sentences["labels"], batch_size=9)).metrics
    assert measured["hits"] == pytest.approx((expected.argmax(1) == sentences["labels"]).mean())


@pytest.mark.parametrize(
    ("change", "kind", "parts"),
    [
        (lambda given: {}, capture.DataError, ("empty", "each argument")),
        (lambda given: {**given, 3: given["words"]}, capture.DataError, ("the name 3", "arguments")),
        (lambda given: {**given, "a b": given["words"]}, capture.DataError, ("'a b'",)),
        (lambda given: {**given, "words": given["words"][:30]}, capture.DataError, ("data:words has 30 rows", "data:labels has 40")),
        (lambda given: {**given, "words": given["words"].tolist()}, capture.DTypeError, ("data:words is a list",)),
        (lambda given: {**given, "wrods": given["words"]}, capture.ModelError, ("argument 'wrods'",)),
        (lambda given: {"words": given["words"]}, capture.ModelError, ("'present'",)),
        (lambda given: {**given, "words": given["words"] + 1}, capture.LabelError, ("category 6", "at embedding")),
    ],
    ids=["empty", "no name", "no argument's name", "rows", "list", "unknown argument", "missing argument", "category"],
)
def test_named_data_that_does_not_fit_is_refused(sentences, change, kind, parts: tuple[str, ...]) -> None:
    with pytest.raises(kind) as refusal:
        own_loss("number", change(sentences))
    assert_one_line(refusal.value, *parts)


@pytest.mark.parametrize(
    ("give", "options", "parts"),
    [
        ("number", {"targets": np.zeros(40, dtype=np.int64)}, ("targets", "no loss", "by name")),
        ("outputs", {"loss": nn.CrossEntropyLoss()}, ("CrossEntropyLoss", "'target'")),
        ("pair", {}, ("tuple without a loss", "labels")),
        ("logits", {}, ("(10, 6)", "average or sum")),
    ],
)
def test_losses_that_nobody_gives_or_takes_are_refused(sentences, give: str, options: dict, parts: tuple[str, ...]) -> None:
    with pytest.raises(capture.ModelError) as refusal:
        own_loss(give, sentences, **options)
    assert_one_line(refusal.value, *parts)


def test_a_model_without_labels_gives_no_loss_and_is_refused(sentences) -> None:
    with pytest.raises(capture.ModelError) as refusal:
        own_loss("outputs", {name: sentences[name] for name in ("words", "present")})
    assert_one_line(refusal.value, "Judged without a loss", "labels in data")


def test_an_argument_called_like_the_targets_is_refused_beside_them(samples) -> None:
    data, labels = samples
    model = nn.Linear(6, 6)
    with pytest.raises(capture.DataError) as refusal:
        capture(model, nn.CrossEntropyLoss(), sgd(model), {"y": data}, labels, batch_size=10, steps=2)
    assert_one_line(refusal.value, "'y'", "as a list")
