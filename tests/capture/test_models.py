"""Kinds of models beside perceptrons, convolutional nets and transformers follow eager PyTorch for 200 steps on real data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture
from touchstone.capture.draws import MachineDraws
from touchstone.capture.function import capture_function
from touchstone.capture.sampling import key_of
from touchstone.machine.workload import Array, Workload

STEPS = 200
Example = Callable[[str], dict[str, Any]]


def assert_follows(workload: Workload, eager: np.ndarray) -> list[Array]:
    """Train on the machine and compare the last loss and the mean of the last 20; the final state."""
    state = final_state(workload)
    losses = slot(workload, state, "loss_history")
    assert len(losses) == len(eager) == STEPS
    np.testing.assert_allclose([losses[-1], losses[-20:].mean()], [eager[-1], eager[-20:].mean()], rtol=1e-3)
    assert eager[-20:].mean() < 0.9 * eager[:20].mean()
    return state


def exported(names: dict[str, Any], workload: Workload, state: list[Array]) -> nn.Module:
    """The example's model with the trained weights, ready to be measured."""
    model = names["build_model"](seed=1)
    capture.export(workload, state, model)
    return model.eval()


def test_an_lstm_reads_digits_as_well_as_in_eager_pytorch(example: Example) -> None:
    names = example("digits_lstm")
    workload = names["build_workload"](steps=STEPS)
    eager = names["build_model"]()
    optimizer, order = names["build_optimizer"](eager), constant(workload, "order")
    state = assert_follows(workload, train_eagerly(eager, names["LOSS"], optimizer, *names["digits"](), order, clip_norm=1.0))
    images, labels = (torch.from_numpy(array[names["TRAIN_SAMPLES"] :]) for array in names["digits"]())
    found, wanted = ((model(images).argmax(1) == labels).float().mean() for model in (exported(names, workload, state), eager))
    assert found > 0.9 and abs(found - wanted) < 0.02


RECURRENT = {
    "gru, two layers, both ways": lambda: nn.GRU(16, 10, num_layers=2, bidirectional=True),
    "lstm, two layers, both ways, batch first, dropout": lambda: nn.LSTM(
        16, 10, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2
    ),
    "rnn, relu, no bias": lambda: nn.RNN(16, 20, nonlinearity="relu", bias=False, batch_first=True),
}


class Recurrent(nn.Module):
    def __init__(self, make: Callable[[], nn.RNNBase]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers, self.head = make(), nn.Linear(20, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        parts = images.unflatten(1, (4, 16))
        if self.layers.batch_first:
            return self.head(self.layers(parts)[0].mean(dim=1))
        return self.head(self.layers(parts.transpose(0, 1))[0].mean(dim=0))


@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers_of_every_kind_follow_eager_pytorch(digits, kind: str) -> None:
    model = Recurrent(RECURRENT[kind])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    workload = capture(model, nn.CrossEntropyLoss(), optimizer, *digits, batch_size=16, steps=STEPS)
    assert_follows(workload, train_eagerly(model, nn.CrossEntropyLoss(), optimizer, *digits, constant(workload, "order")))


def test_a_variational_autoencoder_draws_the_machines_noise(example: Example) -> None:
    names = example("digits_vae")
    workload = names["build_workload"](steps=STEPS, seed=3)
    eager = names["build_model"]()
    images, order = names["digits"]()[0], constant(workload, "order")
    losses = train_eagerly(eager, None, names["build_optimizer"](eager), images, None, order, seed=3)
    state = assert_follows(workload, losses)
    with MachineDraws(key_of(5)) as draws:
        found, wanted = (_restarted(draws, model, images) for model in (exported(names, workload, state), eager))
    assert found == pytest.approx(wanted, rel=1e-3)
    other = slot(workload, final_state(names["build_workload"](steps=STEPS, seed=4)), "loss_history")
    assert other[-1] != losses[-1]


def _restarted(draws: MachineDraws, model: nn.Module, images: np.ndarray) -> float:
    draws.start(0)
    return float(model(torch.from_numpy(images)).detach())


def test_a_unet_removes_noise_as_well_as_in_eager_pytorch(example: Example) -> None:
    names = example("digits_unet")
    workload = names["build_workload"](steps=STEPS)
    eager = names["build_model"]()
    images, order = names["digits"]()[0].reshape(-1, 1, 8, 8), constant(workload, "order")
    state = assert_follows(workload, train_eagerly(eager, names["LOSS"], names["build_optimizer"](eager), images, images, order))
    clean = torch.from_numpy(images)
    noisy = clean + 0.3 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    found, wanted = (float((model(noisy) - clean).square().mean().detach()) for model in (exported(names, workload, state), eager.eval()))
    assert found == pytest.approx(wanted, rel=1e-2) and found < 0.5 * 0.3**2


def test_embeddings_of_categories_beside_numbers_follow_eager_pytorch(example: Example) -> None:
    names = example("diabetes_tabular")
    workload = names["build_workload"](steps=STEPS)
    categories, numbers, progression = names["patients"]()
    eager, order = names["build_model"](), constant(workload, "order")
    losses = train_eagerly(eager, names["LOSS"], names["build_optimizer"](eager), [categories, numbers], progression, order)
    state = assert_follows(workload, losses)
    inputs = [torch.from_numpy(array) for array in (categories, numbers)]
    found, wanted = (names["LOSS"](model(*inputs), torch.from_numpy(progression)) for model in (exported(names, workload, state), eager))
    assert float(found) == pytest.approx(float(wanted), rel=1e-3)


def test_a_factorised_table_predicts_what_it_never_saw(example: Example) -> None:
    names = example("wine_factors")
    workload = names["build_workload"](steps=STEPS)
    places, measured = names["measurements"]()
    eager, order = names["build_model"](), constant(workload, "order")
    state = assert_follows(workload, train_eagerly(eager, names["LOSS"], names["build_optimizer"](eager), places, measured, order))
    hidden = slice(len(names["shown"]()), None)
    assert order.max() < hidden.start
    errors = [
        float(names["LOSS"](model(torch.from_numpy(places[hidden])), torch.from_numpy(measured[hidden])).detach())
        for model in (exported(names, workload, state), eager)
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)
    assert errors[0] < 0.8  # 1 is what the mean of each property gives


def test_a_category_is_checked_against_the_embedding_that_its_own_column_chooses_from(example: Example) -> None:
    names = example("diabetes_tabular")
    categories, numbers, progression = names["patients"]()
    categories[5, 0] = 2
    model = names["build_model"]()
    with pytest.raises(capture.LabelError, match=r"category 2 in row 5 of the data is outside 0\.\.1 at embeddings\.0; .* at least 3 rows"):
        capture(model, names["LOSS"], names["build_optimizer"](model), [categories, numbers], progression, batch_size=8, steps=2)


def test_a_model_behind_augmentation_follows_eager_pytorch_and_measures_images_as_they_are(example: Example) -> None:
    names = example("digits_augmented")
    workload = names["build_workload"](steps=STEPS, flip=0.25, seed=2)
    eager = names["build_model"](flip=0.25)
    shaped = [array[: names["TRAIN_SAMPLES"]] for array in names["digits"]()]
    images, order = shaped[0].reshape(-1, 1, 8, 8), constant(workload, "order")
    losses = train_eagerly(eager, names["LOSS"], names["build_optimizer"](eager), images, shaped[1], order, seed=2)
    state = assert_follows(workload, losses)
    trained, inputs = exported(names, workload, state), torch.from_numpy(images)
    torch.testing.assert_close(trained(inputs), eager.eval()(inputs), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(trained(inputs), trained[1:](inputs), rtol=0, atol=0)


def test_augmentation_mirrors_its_share_of_the_images_and_crops_everywhere(example: Example) -> None:
    augment = example("digits_augmented")["Augment"](flip=0.25, noise=0.0)
    images = torch.arange(1, 17).float().reshape(1, 1, 4, 4).expand(300, 1, 4, 4).contiguous()
    workload = capture_function(lambda tensors: [augment(tensors[0])], [images])
    (found,) = final_state(workload)[1:]
    wide = nn.functional.pad(torch.stack([images[0, 0], images[0, 0].flip(1)]), [1] * 4)
    windows = {wide[k, i : i + 4, j : j + 4].numpy().tobytes(): (k, i, j) for k in range(2) for i in range(3) for j in range(3)}
    chosen = [windows[image.tobytes()] for image in found[:, 0]]
    assert len(set(chosen)) == len(windows) == 18
    assert 0.15 < np.mean([k for k, _, _ in chosen]) < 0.35
