"""Errors of the command line."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


class ConfigError(TouchstoneError, ValueError):
    """The configuration file cannot be used, or a setting is missing."""


class PasswordError(TouchstoneError, ValueError):
    """No password was given where one is needed."""


class InsufficientTokensError(TouchstoneError, ValueError):
    """An account has too few tokens, or has allowed the market too few."""


class PreflightError(TouchstoneError, RuntimeError):
    """``touchstone check`` found something that would keep an agent from working."""


class FamilyIncompleteError(TouchstoneError, RuntimeError):
    """Some members of a family could not be posted."""


class WorkloadFileError(TouchstoneError, ValueError):
    """A file does not build a workload."""
