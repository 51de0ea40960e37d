"""What cannot be captured is refused by a typed, one-line error that says where and what to do instead."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from tests.capture.refusals import assert_one_line
from touchstone import capture

Body = Callable[["Inner", torch.Tensor], torch.Tensor]


class Gamma(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.lgamma(x)


class Inner(nn.Module):
    """Applies a given function; the module path of what it does is ``inner``."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body
        self.gamma = Gamma()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self, x)


class Outer(nn.Module):
    def __init__(self, body: Body) -> None:
        super().__init__()
        self.linear, self.inner = nn.Linear(6, 6), Inner(body)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(self.linear(x))


def identity(_module: Inner, x: torch.Tensor) -> torch.Tensor:
    return x


def attempt(data, targets, body: Body = identity, loss=None, optimizer=None, **options):
    torch.manual_seed(0)
    model = Outer(body)
    make = optimizer or (lambda parameters: torch.optim.SGD(parameters, lr=0.1))
    options = {"batch_size": 8, "steps": 5} | options
    return capture(model, loss or nn.CrossEntropyLoss(), make(model.parameters()), data, targets, **options)


def branch(module: Inner, x: torch.Tensor) -> torch.Tensor:
    return x * 2 if x.sum() > 0 else x


def masked_index(module: Inner, x: torch.Tensor) -> torch.Tensor:
    return x + x[x > 0].sum()


def to_numpy(module: Inner, x: torch.Tensor) -> torch.Tensor:
    return x + torch.from_numpy(x.detach().numpy())


def to_number(module: Inner, x: torch.Tensor) -> torch.Tensor:
    return x * x.detach().mean().item()


@pytest.mark.parametrize("body", [branch, masked_index, to_numpy, to_number])
def test_steps_that_look_at_values_are_refused(samples, body: Body) -> None:
    with pytest.raises(capture.DataDependentError) as refusal:
        attempt(*samples, body)
    assert_one_line(refusal.value)
    if body is not masked_index:
        assert_one_line(refusal.value, "at inner")


@pytest.mark.parametrize(
    ("body", "operator", "path", "remedy"),
    [
        (lambda m, x: m.gamma(x), "aten.lgamma", "inner.gamma", "docs/operators.md"),
        (lambda m, x: torch.lgamma(x), "aten.lgamma", "inner", "docs/operators.md"),
        (lambda m, x: x + torch.randperm(6), "aten.randperm", "inner", "order"),
        (lambda m, x: torch.fft.rfft(x).abs(), "aten._fft_r2c", "inner", "docs/operators.md"),
        (lambda m, x: nn.functional.adaptive_max_pool1d(x, 4).repeat(1, 2)[:, :6], "adaptive_max_pool2d", "inner", "divides"),
    ],
)
def test_operators_without_a_lowering_are_refused_by_name_place_and_remedy(samples, body, operator, path, remedy) -> None:
    with pytest.raises(capture.UnsupportedOperatorError) as refusal:
        attempt(*samples, body)
    assert_one_line(refusal.value, operator, f"at {path}", remedy)


def test_an_operator_in_the_loss_is_said_to_be_there(samples) -> None:
    with pytest.raises(capture.UnsupportedOperatorError) as refusal:
        attempt(*samples, loss=lambda outputs, targets: torch.lgamma(outputs).mean())
    assert_one_line(refusal.value, "lgamma", "at the loss")


@pytest.mark.parametrize(
    "body",
    [
        lambda m, x: x * random.random(),
        lambda m, x: x * float(np.random.rand()),
        lambda m, x: x * torch.tensor(random.random()),
    ],
    ids=["python", "numpy", "in a constant"],
)
def test_randomness_baked_into_the_step_is_found_by_tracing_twice(samples, body: Body) -> None:
    with pytest.raises(capture.NondeterministicError) as refusal:
        attempt(*samples, body)
    assert_one_line(refusal.value, "nn.Dropout")


def test_a_counter_on_a_module_is_found_by_comparing_with_eager_pytorch(samples) -> None:
    def count(module: Inner, x: torch.Tensor) -> torch.Tensor:
        module.calls += 1
        return x * module.calls

    with pytest.raises(capture.MismatchError) as refusal:
        attempt(*samples, count)
    assert_one_line(refusal.value, "param:linear", "after step 2")


def test_a_small_error_in_the_step_is_found_by_comparing_with_eager_pytorch(samples) -> None:
    class Scaled(torch.autograd.Function):
        """Gradient off by 1e-4 while traced, right in eager mode."""

        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * (1.0001 if isinstance(gradient, torch._subclasses.FakeTensor) else 1.0)

    with pytest.raises(capture.MismatchError) as refusal:
        attempt(*samples, lambda m, x: Scaled.apply(x))
    assert_one_line(refusal.value, "param:linear", "after step 1")


def test_a_tensor_kept_on_a_module_is_refused(samples) -> None:
    def keep(module: Inner, x: torch.Tensor) -> torch.Tensor:
        module.last = x.detach()
        return x

    with pytest.raises(capture.ModelError) as refusal:
        attempt(*samples, keep)
    assert_one_line(refusal.value, "register_buffer")


@pytest.mark.parametrize(
    ("body", "dtype"),
    [
        (lambda m, x: x + x.double().sum().float(), "float64"),
        (lambda m, x: x + x.bfloat16().float(), "bfloat16"),
    ],
)
def test_arithmetic_in_other_float_types_is_refused(samples, body: Body, dtype: str) -> None:
    with pytest.raises(capture.DTypeError) as refusal:
        attempt(*samples, body)
    assert_one_line(refusal.value, dtype, "at inner")


def test_integer_constants_beyond_32_bits_are_refused(samples) -> None:
    data, labels = samples
    with pytest.raises(capture.DTypeError) as refusal:
        attempt(data, labels, loss=lambda outputs, targets: (outputs.mean(dim=1) * (targets + 2**33)).mean())
    assert_one_line(refusal.value, str(2**33))


def test_float64_parameters_are_refused(samples) -> None:
    model = nn.Linear(6, 6).double()
    with pytest.raises(capture.DTypeError) as refusal:
        capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    assert_one_line(refusal.value, "param:weight", "model.float()")


@pytest.mark.parametrize(("shift", "label"), [(1, "label 6"), (-1, "label -1")])
def test_a_label_out_of_range_is_refused_with_its_row_wherever_it_is(samples, shift: int, label: str) -> None:
    data, labels = samples
    labels = labels.copy()
    row = 39 if shift > 0 else 17
    labels[row] = 5 + shift if shift > 0 else -1
    with pytest.raises(capture.LabelError) as refusal:
        attempt(data, labels, steps=2)
    assert_one_line(refusal.value, label, f"row {row}")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_with_their_place(samples, number: float) -> None:
    data, labels = samples
    data = data.copy()
    data[3, 2] = number
    with pytest.raises(capture.DataError) as refusal:
        attempt(data, labels)
    assert_one_line(refusal.value, str(number), "[3, 2]")


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        (lambda x, y: (x.astype(np.float64), y), capture.DTypeError, "float64"),
        (lambda x, y: (x.astype(np.float16), y), capture.DTypeError, "float16"),
        (lambda x, y: (x, y + 2**40), capture.DTypeError, "32-bit"),
        (lambda x, y: (x, np.array([2**63 + 1] * 40, dtype=np.uint64)), capture.DTypeError, "32-bit"),
        (lambda x, y: (x[:0], y[:0]), capture.DataError, "at least one sample"),
        (lambda x, y: (x[:30], y), capture.DataError, "30 rows"),
        (lambda x, y: (x.tolist(), y), capture.DTypeError, "numpy array"),
        (lambda x, y: (x.astype(str), y), capture.DTypeError, "dtype"),
    ],
)
def test_unusable_arrays_are_refused(samples, change, kind, part: str) -> None:
    with pytest.raises(kind) as refusal:
        attempt(*change(*samples))
    assert_one_line(refusal.value, part)


@pytest.mark.parametrize(
    ("optimizer", "part"),
    [
        (lambda p: torch.optim.LBFGS(p), "LBFGS"),
        (lambda p: torch.optim.Adam(p, capturable=True), "capturable"),
    ],
)
def test_unsupported_optimizers_are_refused_by_name(samples, optimizer, part: str) -> None:
    with pytest.raises(capture.UnsupportedOptimizerError) as refusal:
        attempt(*samples, optimizer=optimizer)
    assert_one_line(refusal.value, part)


@pytest.mark.parametrize(
    ("schedule", "part"),
    [
        (lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o), "ReduceLROnPlateau"),
        (lambda o: torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.zeros(1)], lr=1.0), 1), "another optimizer"),
    ],
)
def test_schedules_that_are_not_fixed_in_advance_are_refused(samples, schedule, part: str) -> None:
    model = nn.Linear(6, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with pytest.raises(capture.UnsupportedOptimizerError) as refusal:
        capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=8, steps=10, scheduler=schedule(optimizer))
    assert_one_line(refusal.value, part)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 41}, "1..40"),
        ({"steps": 0}, "0 steps"),
        ({"epochs": 2}, "either steps or epochs"),
        ({"steps": None}, "either steps or epochs"),
        ({"steps": None, "epochs": 0.01}, "0 steps"),
    ],
)
def test_impossible_lengths_are_refused(samples, options: dict, part: str) -> None:
    with pytest.raises(capture.ModelError) as refusal:
        attempt(*samples, **options)
    assert_one_line(refusal.value, part)


def test_a_loss_that_is_not_one_number_is_refused(samples) -> None:
    with pytest.raises(capture.ModelError) as refusal:
        attempt(*samples, loss=nn.CrossEntropyLoss(reduction="none"))
    assert_one_line(refusal.value, "(8,)", "average or sum")


def test_a_step_that_fails_in_pytorch_is_refused_with_its_place(samples) -> None:
    with pytest.raises(capture.ModelError) as refusal:
        attempt(*samples, lambda m, x: x @ torch.ones(5, 5))
    assert_one_line(refusal.value, "at inner", "plain PyTorch")


def test_an_optimizer_of_another_model_is_refused(samples) -> None:
    model, other = nn.Linear(6, 6), nn.Linear(6, 6)
    for parameters in (other.parameters(), [*model.parameters(), *other.parameters()]):
        with pytest.raises(capture.ModelError) as refusal:
            capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(parameters, lr=0.1), *samples, batch_size=8, steps=5)
        assert_one_line(refusal.value, "model.parameters()")


def test_a_compiled_model_is_refused(samples) -> None:
    model = torch.compile(nn.Linear(6, 6))
    with pytest.raises(capture.ModelError) as refusal:
        capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    assert_one_line(refusal.value, "torch.compile")


def test_a_model_on_another_device_is_refused(samples) -> None:
    model = nn.Linear(6, 6, device="meta")
    with pytest.raises(capture.ModelError) as refusal:
        capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    assert_one_line(refusal.value, "device meta", "model.cpu()")


def test_a_model_without_anything_to_train_is_refused(samples) -> None:
    model = nn.Linear(6, 6).requires_grad_(False)
    with pytest.raises(capture.ModelError) as refusal:
        capture(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), *samples, batch_size=8, steps=5)
    assert_one_line(refusal.value, "requires a gradient")


def test_refusals_print_nothing(samples, capfd) -> None:
    with pytest.raises(capture.CaptureError):
        attempt(*samples, lambda m, x: x @ torch.ones(5, 5))
    printed = capfd.readouterr()
    assert printed.out == "" and printed.err == ""
