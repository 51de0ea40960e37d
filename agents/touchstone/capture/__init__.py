"""From PyTorch to programs: the only part of Touchstone that imports torch.

The package is its own main function: after ``from touchstone import capture``, ``capture(model, loss, optimizer, …)`` captures and
``capture.export(…)`` loads a result back. Python binds a sub-package's name on its parent when it is first imported, whatever the parent
holds under that name; making the module callable is therefore the one way in which every order of imports gives the same thing.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from touchstone.errors import TouchstoneError


class MissingTorchError(TouchstoneError, ImportError):
    """Capture was asked for where PyTorch is not installed."""


try:
    import torch as _torch  # noqa: F401 - only to say plainly that it is missing
except ImportError as error:
    raise MissingTorchError("capture needs PyTorch; install it with: pip install 'touchstone[capture]'") from error

from touchstone.capture.api import capture
from touchstone.capture.errors import (
    CaptureError,
    DataDependentError,
    DataError,
    DTypeError,
    LabelError,
    MismatchError,
    ModelError,
    NondeterministicError,
    UnsupportedOperatorError,
    UnsupportedOptimizerError,
)
from touchstone.capture.export import export
from touchstone.capture.profile import Profile, inspect

__all__ = [
    "CaptureError",
    "DTypeError",
    "DataDependentError",
    "DataError",
    "LabelError",
    "MismatchError",
    "MissingTorchError",
    "ModelError",
    "NondeterministicError",
    "Profile",
    "UnsupportedOperatorError",
    "UnsupportedOptimizerError",
    "capture",
    "export",
    "inspect",
]


class _CallableModule(ModuleType):
    """A module that is called like its function ``capture``."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return capture(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
