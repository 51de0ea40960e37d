"""A copy of the user's model and optimizer that capture may take apart, and its training step as a function of tensors."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest import mock

import torch
from torch import nn
from torch.optim import Optimizer

from touchstone.capture import optimizers
from touchstone.capture.errors import DTypeError, ModelError
from touchstone.capture.naming import EMA
from touchstone.capture.recipe import Recipe
from touchstone.capture.schedule import Setting

Result = TypeVar("Result")


@dataclass(frozen=True)
class Leaf:
    """A tensor that one step takes and gives back.

    Attributes:
        name: as in ``Workload.slot_names``.
        tensor: its initial value.
    """

    name: str
    tensor: torch.Tensor


class ModelTwin:
    """A copied model whose parameters and buffers can be swapped for others while it runs.

    Attributes:
        model: the copy.
        location: which submodule runs.
        leaves: every tensor that a step takes and gives back; parameters first, then buffers.
        groups: number of learning rates a step takes.
    """

    groups = 0
    leaves: list[Leaf]

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.location = Location(model)
        self._names = [name for name, _ in model.named_parameters()]
        self._parameters = [parameter for _, parameter in model.named_parameters()]
        self._buffers = [name for name, _ in model.named_buffers()]
        self.leaves = [Leaf(f"param:{name}", p) for name, p in zip(self._names, self._parameters, strict=True)]
        self.leaves += [Leaf(f"buffer:{name}", b) for name, b in model.named_buffers()]

    def step(
        self, state: list[torch.Tensor], rates: list[torch.Tensor], batch: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], tuple[torch.Tensor, ...]]:
        """One step without side effects.

        Args:
            state: a value for each leaf.
            rates: a 0-d learning rate for each parameter group.
            batch: the rows of this step of every array of the data set.

        Returns:
            the new value of each leaf, and what the step reports.
        """
        raise NotImplementedError

    def _split(self, state: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        """The values of parameters, buffers, and other leaves."""
        first, second = len(self._parameters), len(self._parameters) + len(self._buffers)
        return state[:first], state[first:second], state[second:]

    def _run(
        self, parameters: list[torch.Tensor], buffers: list[torch.Tensor], forward: Callable[[nn.Module], Result]
    ) -> tuple[Result, list[torch.Tensor]]:
        """What ``forward`` gives with these parameters and buffers, and the buffers afterwards."""
        values = dict(zip(self._names, parameters, strict=True)) | dict(zip(self._buffers, buffers, strict=True))
        swapped = torch.nn.utils.stateless._reparametrize_module(self.model, values, tie_weights=True)
        # Libraries skip checks that look at tensors' values while PyTorch says that it is compiling.
        with swapped, self.location, mock.patch("torch.compiler.is_compiling", lambda: True):
            before = _stray_tensors(self.model)
            result = forward(self.model)
            if _stray_tensors(self.model) != before:
                raise ModelError("forward stores a tensor on the module, which would be lost between steps; use register_buffer")
            named = dict(self.model.named_buffers(remove_duplicate=False))
            # Read back by name: forward may have assigned a new tensor instead of writing into the old one.
            return result, [named[name] for name in self._buffers]

    def _check_leaves(self) -> None:
        for leaf in self.leaves:
            if leaf.tensor.dtype in (torch.float64, torch.float16, torch.bfloat16) or leaf.tensor.is_complex():
                raise DTypeError(f"{leaf.name} has dtype {leaf.tensor.dtype}; call model.float() before capture")
            if leaf.tensor.device.type != "cpu":
                device = leaf.tensor.device
                raise ModelError(f"{leaf.name} is on device {device}; call model.cpu() before capture and build the optimizer after it")
            if leaf.tensor.numel() == 0:
                raise ModelError(f"{leaf.name} has shape {tuple(leaf.tensor.shape)}, without elements; remove it")


class Twin(ModelTwin):
    """Model, loss and optimizer of a training step, copied so that the user's objects stay untouched."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, recipe: Recipe) -> None:
        copied, self.optimizer = copy_together(model, optimizer)
        super().__init__(copied)
        self.recipe = recipe
        self.groups = len(recipe.rows()[0])
        owned = {parameter for group in self.optimizer.param_groups for parameter in group["params"]}
        self._check_ownership(owned)
        self.trained = [k for k, p in enumerate(self._parameters) if p.requires_grad and p in owned]
        if not self.trained:
            raise ModelError("the optimizer holds no parameter that requires a gradient; build it from model.parameters()")
        optimizers.initialise(self.optimizer, {self._parameters[k] for k in self.trained})
        self._state_keys = [(k, key) for k in self.trained for key in self._optimizer_state(k)]
        self.leaves += [Leaf(f"optim:{key}:{self._names[k]}", self._optimizer_state(k)[key]) for k, key in self._state_keys]
        self.leaves += self._averages()
        self._check_leaves()

    def _averages(self) -> list[Leaf]:
        """The averaged weights of the parameters that are trained."""
        if self.recipe.ema_decay is None:
            return []
        start = self.recipe.ema_start or {}
        return [Leaf(f"{EMA}{self._names[k]}", start.get(self._names[k], self._parameters[k])) for k in self.trained]

    def _check_ownership(self, owned: set[torch.Tensor]) -> None:
        strangers = len(owned - set(self._parameters))
        if strangers:
            raise ModelError(
                f"the optimizer holds {strangers} tensors that are not parameters of the model; build it from model.parameters()"
            )

    def _optimizer_state(self, index: int) -> dict[str, torch.Tensor]:
        state = self.optimizer.state.get(self._parameters[index], {})
        return {key: value for key, value in state.items() if torch.is_tensor(value)}

    def step(
        self, state: list[torch.Tensor], rates: list[torch.Tensor], batch: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], tuple[torch.Tensor, ...]]:
        """One training step without side effects. ``batch`` is the model's inputs, then the targets if any; it reports the loss."""
        parameters, buffers, others = self._split([tensor.detach().clone() for tensor in state])
        optimizer_state, averages = others[: len(self._state_keys)], others[len(self._state_keys) :]
        for k in self.trained:
            parameters[k].requires_grad_()
        trained = [parameters[k] for k in self.trained]
        losses = []
        parts = self.recipe.accumulation_steps
        for rows in self.recipe.micro_batches(batch):
            loss, buffers = self._run(parameters, buffers, lambda model, rows=rows: self._loss(model, rows))  # type: ignore[misc]
            losses.append(loss if parts == 1 else loss / parts)
            for parameter, gradient in zip(trained, torch.autograd.grad(losses[-1], trained, allow_unused=True), strict=True):
                parameter.grad = gradient if parameter.grad is None or gradient is None else parameter.grad + gradient
        self.location.mark("the optimizer")
        self.recipe.clip(trained)
        optimizer_state = self._update(parameters, optimizer_state, rates)
        new = [parameters[k].detach() for k in self.trained]
        averages = [torch.lerp(old, weight, rates[-1].item()) for old, weight in zip(averages, new, strict=False)]
        self.location.mark(None)
        total = torch.stack([loss.detach().reshape(()) for loss in losses]).sum() if parts > 1 else losses[0].detach()
        return [p.detach() for p in parameters] + buffers + optimizer_state + averages, (total,)

    def _loss(self, model: nn.Module, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        outputs = self.recipe.objective.run(model, batch)
        self.location.mark("the loss")
        return self.recipe.objective.judge(outputs, batch)

    def _update(self, parameters: list[torch.Tensor], state: list[torch.Tensor], rates: list[torch.Tensor]) -> list[torch.Tensor]:
        position = {parameter: k for k, parameter in enumerate(self._parameters)}
        groups, kept_state = self.optimizer.param_groups, self.optimizer.state
        kept_groups = [dict(group) for group in groups]
        try:
            self.optimizer.state = defaultdict(dict)
            for k in self.trained:  # what is not a tensor stays what it is
                self.optimizer.state[parameters[k]] = dict(kept_state.get(self._parameters[k], {}))
            for (k, key), tensor in zip(self._state_keys, state, strict=True):
                self.optimizer.state[parameters[k]][key] = tensor
            for group in groups:
                group["params"] = [parameters[position[parameter]] for parameter in group["params"]]
            for place, dial in enumerate(self.recipe.dials):
                dial.turn(groups, self._number(place, rates[place]))
            with optimizers.as_if_compiling():
                optimizers.take_step(self.optimizer)
            return [self.optimizer.state[parameters[k]][key] for k, key in self._state_keys]
        finally:
            self.optimizer.state = kept_state
            for group, kept in zip(groups, kept_groups, strict=True):
                group.update(kept)

    def _number(self, place: int, rate: torch.Tensor) -> Any:
        """What stands for a dial while a step is traced. PyTorch's optimizers take tensors as learning rates, and only as those."""
        dial = self.recipe.dials[place]
        if dial.key == "lr":
            return rate
        name = dial.key if dial.place is None else f"{dial.key}[{dial.place}]"
        return Setting(rate.item(), [row[place] for row in self.recipe.schedule.rows], name)


class Location(contextlib.AbstractContextManager["Location"]):
    """Knows which submodule is running while it is entered, and writes its path into the nodes of a graph being traced."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._handles: list[Any] = []
        self._stack: list[str] = []

    @property
    def current(self) -> str:
        """Path of the submodule that runs, or that failed; empty outside of submodules."""
        return self._stack[-1] if self._stack else ""

    def __enter__(self) -> Location:
        self._stack.clear()
        for path, module in self._model.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._enter(path), prepend=True))
            self._handles.append(module.register_forward_hook(self._leave))
        return self

    def __exit__(self, *_exception: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self.mark(None)

    def _enter(self, path: str) -> Callable[..., None]:
        def hook(*_arguments: object) -> None:
            self._stack.append(path)
            self.mark(path)

        return hook

    def _leave(self, *_arguments: object) -> None:
        self._stack.pop()
        self.mark(self._stack[-1] if self._stack else None)

    @staticmethod
    def mark(path: str | None) -> None:
        """Nodes traced from now on come from ``path``."""
        meta = torch.fx.traceback.current_meta
        meta.pop("custom", None)
        if path is not None:
            meta["custom"] = {"module": path}


def copy_together(model: nn.Module, *others: Any) -> tuple[Any, ...]:
    """Copies that refer to each other as the originals do.

    Raises:
        ModelError: the model cannot be copied, or is compiled.
    """
    if hasattr(model, "_orig_mod"):
        raise ModelError("the model comes from torch.compile; pass the module that was given to torch.compile")
    try:
        copies: tuple[Any, ...] = copy.deepcopy((model, *others))
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"the model cannot be copied ({reason}); keep only parameters, buffers and plain Python values on modules"
        ) from error
    return copies


def _stray_tensors(model: nn.Module) -> set[tuple[str, str, int]]:
    """Tensors kept as plain attributes of modules."""
    return {
        (path, name, id(value))
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor)
    }


@contextlib.contextmanager
def plain_kernels() -> Iterator[None]:
    """Keep PyTorch from choosing fused kernels that would hide the arithmetic in one opaque operator."""
    with contextlib.ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the switch also sets GPU options, and warns that there is no GPU
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
        stack.enter_context(torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH))
        yield
