"""Touchstone: a market for machine-learning compute between strangers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchstone.capture import CaptureModule
    from touchstone.market import Market as Market

    capture: CaptureModule

_LAZY = frozenset({"capture"})  # sub-packages that import torch, and so are loaded only when asked for


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "Market":  # needs web3, which takes a while to load
        return importlib.import_module(f"{__name__}.market").Market
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
