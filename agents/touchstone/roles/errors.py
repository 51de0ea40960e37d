"""Errors of the submitter, the solver and the verifier."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


class JobTooLargeError(TouchstoneError, ValueError):
    """A job needs more memory, or more bytes of package, than the node was allowed to give it."""


class PackageMismatchError(TouchstoneError, ValueError):
    """A job's package does not hold the program, data or number of steps that the job was posted with."""


class UnknownJobError(TouchstoneError, LookupError):
    """The market has no job of this number."""


class UnknownFamilyError(TouchstoneError, LookupError):
    """No family of this name was posted from here."""


class JobNotFinishedError(TouchstoneError, RuntimeError):
    """A job has no final state yet, or will never have one."""


class ResultMismatchError(TouchstoneError, ValueError):
    """A recomputed final state is not the one on chain."""


class RepeatedFailureError(TouchstoneError, RuntimeError):
    """The same step failed again and again; the agent stopped instead of looping."""


class InsufficientBalanceError(TouchstoneError, ValueError):
    """An account has too few tokens for what it wants to do."""


class InvalidSettingError(TouchstoneError, ValueError):
    """A setting of an agent is missing or out of range."""


class AgentRunningError(TouchstoneError, RuntimeError):
    """Another process works in the same directory."""


class InvalidTermsError(TouchstoneError, ValueError):
    """A job asks for what the market refuses: an audit rate, deadline, budget or interval out of range."""
