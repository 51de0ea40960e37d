"""Why a model, an optimizer or data cannot become a program."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


class CaptureError(TouchstoneError):
    """Base of every refusal of capture; raised before any money moves."""


class MissingTorchError(CaptureError, ImportError):
    """Capture was asked for where PyTorch is not installed."""


class UnsupportedOperatorError(CaptureError, NotImplementedError):
    """The training step uses an ATen operator that has no lowering."""


class DataDependentError(CaptureError, ValueError):
    """Shapes or Python control flow depend on the values of tensors, so one step does not stand for all."""


class ModelError(CaptureError, ValueError):
    """The module, its loss or the arguments of capture do not fit together."""


class DataError(CaptureError, ValueError):
    """An array of the data set cannot be used."""


class LabelError(DataError):
    """A class label lies outside the range the loss can use."""


class DTypeError(CaptureError, TypeError):
    """A tensor is neither float32 nor an integer that fits 32 bits."""


class UnsupportedOptimizerError(CaptureError, NotImplementedError):
    """The optimizer or scheduler, or one of its options, is not supported."""


class NondeterministicError(CaptureError, RuntimeError):
    """Tracing the same step twice gave two programs."""


class MismatchError(CaptureError, ArithmeticError):
    """The captured program does not follow eager PyTorch."""
