"""From PyTorch to programs: the only part of Touchstone that imports torch.

The package is its own main function: after ``from touchstone import capture``, ``capture(model, loss, optimizer, …)`` captures and
``capture.export(…)`` loads a result back. Python binds a sub-package's name on its parent when it is first imported, whatever the parent
holds under that name; making the module callable is therefore the one way in which every order of imports gives the same thing.
"""

from __future__ import annotations

import sys
from types import ModuleType

from touchstone.capture.errors import (
    CaptureError,
    DataDependentError,
    DataError,
    DTypeError,
    LabelError,
    MismatchError,
    MissingTorchError,
    ModelError,
    NondeterministicError,
    UnsupportedOperatorError,
    UnsupportedOptimizerError,
)

try:
    from touchstone.capture.api import capture
    from touchstone.capture.evaluation import evaluation
    from touchstone.capture.export import export
    from touchstone.capture.families import folds, sweep
    from touchstone.capture.inference import inference
    from touchstone.machine.profile import Profile, inspect
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingTorchError("capture needs PyTorch; install it with: pip install 'touchstone[capture]'") from error

__all__ = [
    "CaptureError",
    "CaptureModule",
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
    "evaluation",
    "export",
    "folds",
    "inference",
    "inspect",
    "sweep",
]


class CaptureModule(ModuleType):
    """The type of this module: called, it is its function ``capture``."""

    __call__ = staticmethod(capture)
    evaluation = staticmethod(evaluation)
    export = staticmethod(export)
    folds = staticmethod(folds)
    inference = staticmethod(inference)
    inspect = staticmethod(inspect)
    sweep = staticmethod(sweep)


sys.modules[__name__].__class__ = CaptureModule
