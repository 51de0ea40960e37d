"""Training on the machine follows training in eager PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture
from touchstone.capture.executors import fastest_machine

OPTIMIZERS: dict[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum decay": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "sgd nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adam decay": lambda p: torch.optim.Adam(p, lr=3e-3, weight_decay=1e-2),
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=3e-3, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=3e-3, weight_decay=1e-2),
}
ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "gelu tanh": lambda: nn.GELU("tanh"), "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def perceptron(activation: Callable[[], nn.Module], outputs: int = 10) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(64, 32), activation(), nn.Linear(32, 32), activation(), nn.Linear(32, outputs))


def assert_same_curve(machine: np.ndarray, eager: np.ndarray, tolerance: float = 1e-4) -> None:
    assert len(machine) == len(eager)
    np.testing.assert_allclose(machine, eager, rtol=tolerance)
    assert eager[-1] < eager[0]


@pytest.mark.parametrize(
    ("activation", "optimizer"),
    [(a, o) for a in ("relu", "gelu", "tanh") for o in ("sgd momentum decay", "adamw")]
    + [("gelu tanh", "adamw"), ("sigmoid", "adam decay"), ("relu", "sgd"), ("tanh", "sgd nesterov"), ("relu", "adam amsgrad")],
)
def test_a_perceptron_on_digits_follows_eager_pytorch_for_60_steps(digits, activation: str, optimizer: str) -> None:
    model = perceptron(ACTIVATIONS[activation])
    loss = nn.CrossEntropyLoss()
    workload = capture(model, loss, OPTIMIZERS[optimizer](model.parameters()), *digits, batch_size=48, steps=60, seed=5)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, OPTIMIZERS[optimizer](model.parameters()), *digits, constant(workload, "order"))
    assert_same_curve(losses, eager)


def test_a_regression_with_mean_squared_error_follows_eager_pytorch(digits) -> None:
    images, labels = digits
    targets = np.stack([labels / 9, np.sin(labels)], axis=1).astype(np.float32)
    model = perceptron(nn.Tanh, outputs=2)
    optimizer = OPTIMIZERS["adamw"]
    workload = capture(model, nn.MSELoss(), optimizer(model.parameters()), images, targets, batch_size=64, steps=50)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, nn.MSELoss(), optimizer(model.parameters()), images, targets, constant(workload, "order"))
    assert_same_curve(losses, eager)


def cosine(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)


def warm_up(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))


def one_cycle(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=50, cycle_momentum=False)


@pytest.mark.parametrize("optimizer", ["sgd momentum decay", "adamw"])
@pytest.mark.parametrize("schedule", [cosine, warm_up, one_cycle])
def test_learning_rate_schedules_follow_the_real_scheduler(digits, optimizer: str, schedule) -> None:
    model = perceptron(nn.ReLU)
    loss = nn.CrossEntropyLoss()
    captured = OPTIMIZERS[optimizer](model.parameters())
    workload = capture(model, loss, captured, *digits, batch_size=32, steps=50, scheduler=schedule(captured))
    losses = slot(workload, final_state(workload), "loss_history")
    eager_optimizer = OPTIMIZERS[optimizer](model.parameters())
    order = constant(workload, "order")
    eager = train_eagerly(model, loss, eager_optimizer, *digits, order, scheduler=schedule(eager_optimizer))
    assert_same_curve(losses, eager)


def test_gradient_clipping_follows_eager_pytorch(digits) -> None:
    model = perceptron(nn.ReLU)
    loss = nn.CrossEntropyLoss()
    optimizer = OPTIMIZERS["sgd momentum decay"]
    workload = capture(model, loss, optimizer(model.parameters()), *digits, batch_size=32, steps=50, clip_norm=0.2)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, optimizer(model.parameters()), *digits, constant(workload, "order"), clip_norm=0.2)
    assert_same_curve(losses, eager)
    unclipped = train_eagerly(perceptron(nn.ReLU), loss, optimizer(model.parameters()), *digits, constant(workload, "order"))
    assert abs(unclipped[-1] - eager[-1]) > 1e-3


def test_parameter_groups_keep_their_own_settings(digits) -> None:
    def optimizer(model: nn.Sequential) -> torch.optim.Optimizer:
        groups = [{"params": model[0].parameters(), "lr": 1e-2}, {"params": model[2].parameters(), "weight_decay": 0.1}]
        return torch.optim.AdamW([*groups, {"params": model[4].parameters()}], lr=1e-3)

    model = perceptron(nn.ReLU)
    loss = nn.CrossEntropyLoss()
    workload = capture(model, loss, optimizer(model), *digits, batch_size=32, steps=50)
    losses = slot(workload, final_state(workload), "loss_history")
    assert_same_curve(losses, train_eagerly(model, loss, optimizer(model), *digits, constant(workload, "order")))


def test_frozen_layers_become_constants_and_stay_as_they_are(digits) -> None:
    model = perceptron(nn.ReLU)
    model[0].requires_grad_(False)
    loss = nn.CrossEntropyLoss()
    workload = capture(model, loss, OPTIMIZERS["adamw"](model.parameters()), *digits, batch_size=32, steps=50)
    assert {"param:0.weight", "param:0.bias"} <= set(workload.constant_names)
    assert not any("0.weight" in name for name in workload.slot_names)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, OPTIMIZERS["adamw"](model.parameters()), *digits, constant(workload, "order"))
    assert_same_curve(losses, eager)


def test_tied_weights_are_one_slot(samples) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
            self.second.weight = self.first.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(torch.tanh(self.first(x)))

    torch.manual_seed(0)
    model = Tied()
    loss = nn.CrossEntropyLoss()
    workload = capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=10, steps=30)
    assert "param:second.weight" not in workload.slot_names
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), *samples, constant(workload, "order"))
    assert_same_curve(losses, eager)


def test_buffers_that_forward_writes_or_replaces_are_state(samples) -> None:
    class Normalised(nn.Module):
        def __init__(self, replace: bool) -> None:
            super().__init__()
            self.linear, self.replace = nn.Linear(6, 6), replace
            self.register_buffer("mean", torch.zeros(6))
            self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            batch_mean = x.mean(dim=0).detach()
            if self.replace:
                self.mean = self.mean * 0.9 + batch_mean * 0.1
            else:
                self.mean.mul_(0.9).add_(batch_mean, alpha=0.1)
            self.calls += 1
            return self.linear(x - self.mean)

    loss = nn.CrossEntropyLoss()
    for replace in (False, True):
        torch.manual_seed(0)
        model = Normalised(replace)
        workload = capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=10, steps=20)
        state = final_state(workload)
        losses = slot(workload, state, "loss_history")
        eager = train_eagerly(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), *samples, constant(workload, "order"))
        assert_same_curve(losses, eager)
        np.testing.assert_allclose(slot(workload, state, "buffer:mean"), model.mean.numpy(), rtol=1e-5, atol=1e-7)
        capture.export(workload, state, model)
        assert int(model.calls) == 20


def test_labels_that_are_ignored_count_for_nothing(samples) -> None:
    data, labels = samples
    labels = np.where(labels == 3, -100, labels)
    torch.manual_seed(0)
    model, loss = nn.Linear(6, 6), nn.CrossEntropyLoss()
    workload = capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), data, labels, batch_size=10, steps=30)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, torch.optim.SGD(model.parameters(), lr=0.1), data, labels, constant(workload, "order"))
    assert_same_curve(losses, eager)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(label_smoothing=0.1),
        lambda outputs, targets: -(outputs.log_softmax(dim=-1)[:, 0]).mean(),
        lambda outputs, targets: (outputs.softmax(dim=-1) ** 2).sum() + outputs.clamp(-1, 1).abs().mean(),
    ],
    ids=["summed", "smoothed", "own", "several terms"],
)
def test_other_losses_follow_eager_pytorch(samples, loss) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 6)
    workload = capture(model, loss, torch.optim.SGD(model.parameters(), lr=0.02), *samples, batch_size=10, steps=30)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, torch.optim.SGD(model.parameters(), lr=0.02), *samples, constant(workload, "order"))
    assert_same_curve(losses, eager)


@pytest.mark.parametrize("optimizer", ["sgd momentum decay", "adamw", "adam decay"])
def test_a_parameter_that_is_one_number_follows_eager_pytorch(samples, optimizer: str) -> None:
    class Tempered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.temperature, self.unused = nn.Linear(6, 6), nn.Parameter(torch.tensor(0.5)), nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) * self.temperature.exp()

    torch.manual_seed(0)
    model, loss = Tempered(), nn.CrossEntropyLoss()
    workload = capture(model, loss, OPTIMIZERS[optimizer](model.parameters()), *samples, batch_size=40, steps=30)
    assert "param:temperature" in workload.slot_names
    assert not any("unused" in name for name in workload.slot_names + workload.constant_names)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, OPTIMIZERS[optimizer](model.parameters()), *samples, constant(workload, "order"))
    assert_same_curve(losses, eager)


class Tall(nn.Module):
    """Linear layers on three axes, slices and joins, softmax as a layer, a constant made in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.mix, self.head = nn.Linear(3, 5), nn.Linear(5, 5, bias=False), nn.Linear(10, 6)
        self.flatten, self.weights = nn.Flatten(), nn.Softmax(dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = torch.tanh(self.rows(x.reshape(-1, 2, 3)))
        scores = self.weights(rows @ self.mix(rows).transpose(1, 2) / 5**0.5)
        mixed = self.flatten(scores @ rows) * torch.tensor([1.0, -1.0] * 5)
        joined = torch.cat([mixed[:, :4], mixed[:, 4:].sigmoid()], dim=1)
        return self.head(torch.where(joined > 0, joined, joined * 0.1))


class TwoInputs(nn.Module):
    """Two arrays of data, one of them integers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(1, 6)

    def forward(self, x: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
        return self.first(x) + self.second(category.float().unsqueeze(1)) * (category > 2).unsqueeze(1)


def test_layers_on_several_axes_follow_eager_pytorch(samples) -> None:
    torch.manual_seed(0)
    model, loss = Tall(), nn.CrossEntropyLoss()
    workload = capture(model, loss, torch.optim.AdamW(model.parameters(), lr=0.01), *samples, batch_size=40, steps=30)
    losses = slot(workload, final_state(workload), "loss_history")
    eager = train_eagerly(model, loss, torch.optim.AdamW(model.parameters(), lr=0.01), *samples, constant(workload, "order"))
    assert_same_curve(losses, eager)


def test_a_model_of_two_inputs_gets_both(samples) -> None:
    data, labels = samples
    category = np.arange(40) % 5
    torch.manual_seed(0)
    model, loss = TwoInputs(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    workload = capture(model, loss, optimizer, [data, category], labels, batch_size=10, steps=30)
    assert {"data:x0", "data:x1", "data:y"} <= set(workload.constant_names)
    losses = slot(workload, final_state(workload), "loss_history")
    single = nn.Module()
    single.forward = lambda rows: model(rows[:, :6], rows[:, 6].long())  # type: ignore[method-assign]
    both = np.concatenate([data, category[:, None].astype(np.float32)], axis=1)
    assert_same_curve(losses, train_eagerly(single, loss, optimizer, both, labels, constant(workload, "order")))


def test_dropout_follows_eager_pytorch_that_draws_the_machines_numbers(samples) -> None:
    # Capture compares the first steps itself, here all of them, letting eager PyTorch draw the machine's random numbers.
    torch.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.1), nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 6))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    workload = capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=10, steps=30, check_steps=30)
    assert capture.inspect(workload).nodes["source philox"] == 2
    evaluated = capture(model.eval(), nn.CrossEntropyLoss(), optimizer, *samples, batch_size=10, steps=30)
    assert "source philox" not in capture.inspect(evaluated).nodes


def test_dropout_hides_the_given_share_anew_at_every_step_and_place(samples) -> None:
    data, labels = samples
    model = nn.Sequential(nn.Dropout(0.25), nn.Linear(6, 6, bias=False), nn.Dropout(0.5))
    with torch.no_grad():
        model[1].weight.copy_(torch.eye(6))
    ones = np.ones_like(data)

    class Recorder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model
            self.register_buffer("seen", torch.zeros(20, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            outputs = self.net(x)
            self.seen.copy_(outputs.detach())
            return outputs

    recorder = Recorder()
    workload = capture(recorder, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.0), ones, labels, batch_size=20, steps=40)
    machine = fastest_machine(workload.program, workload.constants, threads=1)
    machine.load(workload.state)
    seen = []
    for _ in range(40):
        machine.run(1)
        seen.append(slot(workload, machine.state(), "buffer:seen").copy())
    masks = np.array(seen) != 0
    assert abs(masks.mean() - 0.75 * 0.5) < 0.03
    assert len({mask.tobytes() for mask in masks}) == 40


def test_the_users_model_and_optimizer_are_left_untouched(samples) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 6)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict(), scheduler.state_dict()))
    random_before = torch.get_rng_state()
    capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=8, steps=10, scheduler=scheduler)
    after = (model.state_dict(), optimizer.state_dict(), scheduler.state_dict())
    assert str(before) == str(after)
    assert torch.equal(random_before, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model._forward_hooks and not model._forward_pre_hooks
