"""Every optimizer, schedule and option of training follows eager PyTorch: losses, parameters and state."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture

Parameters = Iterable[nn.Parameter]
STEPS = 40


class Lion(torch.optim.Optimizer):
    """Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023: as people write it."""

    def __init__(self, params: Parameters, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["exp_avg"] = torch.zeros_like(p)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                update = state["exp_avg"] * beta1 + p.grad * (1 - beta1)
                p.add_(update.sign(), alpha=-group["lr"])
                state["exp_avg"].mul_(beta2).add_(p.grad, alpha=1 - beta2)


class Lookahead(torch.optim.Optimizer):
    """Keeps slow weights that start as the weights."""

    def __init__(self, params: Parameters, lr: float = 0.05, pull: float = 0.3) -> None:
        super().__init__(params, {"lr": lr, "pull": pull})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "slow" not in state:
                    state["slow"], state["count"] = p.clone(), torch.ones(())
                state["count"] += 1
                p.sub_(p.grad * group["lr"])
                state["slow"].lerp_(p, group["pull"])
                p.add_((state["slow"] - p) / state["count"])


class Counting(torch.optim.Optimizer):
    """Counts its steps in Python."""

    def __init__(self, params: Parameters) -> None:
        super().__init__(params, {"lr": 0.1})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for p in self.param_groups[0]["params"]:
            self.state[p]["calls"] = self.state[p].get("calls", 0) + 1
            p.sub_(p.grad / self.state[p]["calls"])


OPTIMIZERS: dict[str, Callable[[Parameters], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum decay": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2),
    "sgd nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "sgd dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.4, weight_decay=1e-2),
    "sgd maximize": lambda p: (
        torch.optim.SGD(p, lr=-0.1, momentum=0.5, maximize=True) if False else torch.optim.SGD(p, lr=1e-3, maximize=True)
    ),
    "adam": lambda p: torch.optim.Adam(p, lr=3e-3, weight_decay=1e-2),
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=3e-3, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=3e-3, weight_decay=1e-2),
    "adamw amsgrad": lambda p: torch.optim.AdamW(p, lr=3e-3, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3),
    "rmsprop centred momentum": lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True, weight_decay=1e-3),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01, lr_decay=0.01, initial_accumulator_value=0.1, weight_decay=1e-3),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.5),
    "adamax": lambda p: torch.optim.Adamax(p, lr=2e-3),
    "nadam": lambda p: torch.optim.NAdam(p, lr=2e-3, weight_decay=1e-3),
    "radam": lambda p: torch.optim.RAdam(p, lr=1e-2),
    "asgd": lambda p: torch.optim.ASGD(p, lr=0.05, t0=10),
    "rprop": lambda p: torch.optim.Rprop(p, lr=1e-3),
    "lion": lambda p: Lion(p, lr=1e-3, weight_decay=0.1),
    "lookahead": Lookahead,
}


def perceptron() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))


def assert_follows(digits, make: Callable[[Parameters], torch.optim.Optimizer], schedule: Any = None, **options: Any) -> None:
    """Capture, train on the machine and in eager PyTorch, and compare losses; then go on in PyTorch from the exported state."""
    model, loss = perceptron(), nn.CrossEntropyLoss()
    optimizer = make(model.parameters())
    scheduler = schedule(optimizer) if schedule else None
    workload = capture(model, loss, optimizer, *digits, batch_size=32, steps=STEPS, scheduler=scheduler, **options)
    state = final_state(workload)
    eager = copy.deepcopy(model)
    eager_optimizer = make(eager.parameters())
    order = constant(workload, "order")
    losses = train_eagerly(eager, loss, eager_optimizer, *digits, order, schedule(eager_optimizer) if schedule else None, **options)
    np.testing.assert_allclose(slot(workload, state, "loss_history"), losses, rtol=1e-3)
    assert losses[-1] != losses[0]
    trained = perceptron()
    exported = make(trained.parameters())
    capture.export(workload, state, trained, exported)
    for group, scheduled in zip(exported.param_groups, eager_optimizer.param_groups, strict=True):
        group.update({key: setting for key, setting in scheduled.items() if key != "params"})  # where the schedule has left them
    further = [train_eagerly(m, loss, o, *digits, order[:3]) for m, o in ((trained, exported), (eager, eager_optimizer))]
    np.testing.assert_allclose(further[0], further[1], rtol=2e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_follows_eager_pytorch_and_goes_on_there(digits, name: str) -> None:
    assert_follows(digits, OPTIMIZERS[name])


SCHEDULES: dict[str, Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]] = {
    "step": lambda o: lr_scheduler.StepLR(o, 10, 0.5),
    "multi-step": lambda o: lr_scheduler.MultiStepLR(o, [5, 20], 0.3),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=STEPS),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, base_lr=1e-3, max_lr=0.02, step_size_up=7, cycle_momentum=True),
    "warm restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 13),
    "sequence": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=5), lr_scheduler.CosineAnnealingLR(o, 30)], milestones=[5]
    ),
    "polynomial": lambda o: lr_scheduler.PolynomialLR(o, 30, 2.0),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_schedule_follows_eager_pytorch(digits, schedule: str) -> None:
    assert_follows(digits, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), SCHEDULES[schedule])


@pytest.mark.parametrize("optimizer", ["adamw", "nadam"])
def test_a_schedule_may_cycle_betas(digits, optimizer: str) -> None:
    assert_follows(digits, OPTIMIZERS[optimizer], lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.01, total_steps=STEPS))


def test_gradients_are_clipped_by_value(digits) -> None:
    assert_follows(digits, OPTIMIZERS["sgd momentum decay"], clip_value=0.01)


def test_parameter_groups_have_their_own_options_with_any_optimizer(digits) -> None:
    def make(parameters: Parameters) -> torch.optim.Optimizer:
        first, *rest = list(parameters)
        return torch.optim.RMSprop([{"params": [first], "lr": 1e-2, "momentum": 0.9}, {"params": rest, "alpha": 0.9}], lr=1e-3)

    assert_follows(digits, make, lambda o: lr_scheduler.ExponentialLR(o, 0.97))


def test_micro_batches_add_up_to_the_batch(digits) -> None:
    model, loss = perceptron(), nn.CrossEntropyLoss()
    make = OPTIMIZERS["sgd momentum decay"]
    whole = capture(model, loss, make(model.parameters()), *digits, batch_size=32, steps=STEPS)
    parts = capture(model, loss, make(model.parameters()), *digits, batch_size=32, steps=STEPS, accumulation_steps=4)
    curves = [slot(workload, final_state(workload), "loss_history") for workload in (whole, parts)]
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)
    assert capture.inspect(parts).cost.peak_memory != capture.inspect(whole).cost.peak_memory


def test_averaged_weights_are_state_and_can_be_exported(digits) -> None:
    model, loss = perceptron(), nn.CrossEntropyLoss()
    make = OPTIMIZERS["sgd"]
    workload = capture(model, loss, make(model.parameters()), *digits, batch_size=32, steps=STEPS, ema_decay=0.9)
    state = final_state(workload)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    optimizer = make(model.parameters())
    for batch in constant(workload, "order"):
        train_eagerly(model, loss, optimizer, *digits, batch[None])
        average.update_parameters(model)
    found = perceptron()
    capture.export(workload, state, found, average=True)
    for a, b, last in zip(found.parameters(), average.module.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-6)
        assert (a - last).abs().max() > 1e-3
    with pytest.raises(capture.ModelError, match="no averaged weights"):
        plain = capture(model, loss, make(model.parameters()), *digits, batch_size=32, steps=2)
        capture.export(plain, plain.state, found, average=True)


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (lambda p: torch.optim.LBFGS(p), {}, capture.UnsupportedOptimizerError, "LBFGS is not supported, it calls the model several times"),
    (lambda p: torch.optim.SparseAdam(p), {}, capture.UnsupportedOptimizerError, "SparseAdam is not supported"),
    (Counting, {}, capture.UnsupportedOptimizerError, "Counting changes the Python number calls"),
    (OPTIMIZERS["sgd"], {"clip_norm": 1.0, "clip_value": 1.0}, capture.ModelError, "both given; give one"),
    (OPTIMIZERS["sgd"], {"clip_value": 0.0}, capture.ModelError, "clip_value=0.0 is not positive"),
    (OPTIMIZERS["sgd"], {"accumulation_steps": 5}, capture.ModelError, "accumulation_steps=5 does not divide batch_size=32"),
    (OPTIMIZERS["sgd"], {"ema_decay": 1.0}, capture.ModelError, "ema_decay=1.0 is not in 0 <= decay < 1"),
]


@pytest.mark.parametrize(("make", "options", "error", "part"), REFUSED, ids=[part for *_, part in REFUSED])
def test_what_cannot_be_done_is_refused_in_one_line(digits, make: Any, options: dict[str, Any], error: Any, part: str) -> None:
    model = perceptron()
    with pytest.raises(error) as refusal:
        capture(model, nn.CrossEntropyLoss(), make(list(model.parameters())), *digits, batch_size=32, steps=3, **options)
    assert part in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_momentum_that_goes_to_zero_is_refused(digits) -> None:
    model = perceptron()
    optimizer = OPTIMIZERS["sgd momentum decay"](model.parameters())
    schedule = lr_scheduler.CyclicLR(optimizer, 1e-3, 1e-2, step_size_up=2, base_momentum=0.0, max_momentum=0.9)
    with pytest.raises(capture.UnsupportedOptimizerError, match=r"another way when momentum changes from 0\.0.*; use a schedule"):
        capture(model, nn.CrossEntropyLoss(), optimizer, *digits, batch_size=32, steps=6, scheduler=schedule)
