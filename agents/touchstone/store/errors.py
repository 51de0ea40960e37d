"""Errors of the content store."""

from __future__ import annotations

from touchstone.errors import TouchstoneError


class InvalidCidError(TouchstoneError, ValueError):
    """A text is not a content identifier this store can hold."""


class BlobNotFoundError(TouchstoneError, LookupError):
    """No store that was asked has the blob or the root."""


class BlobTooLargeError(TouchstoneError, ValueError):
    """A blob exceeds the size that was agreed to."""


class StoreUnavailableError(TouchstoneError, ConnectionError):
    """A store does not answer, or answers with an error."""


class InvalidTensorFileError(TouchstoneError, ValueError):
    """Bytes are not a canonical tensor file (a safetensors file as :mod:`touchstone.store.tensors` writes it)."""


class InvalidPackageError(TouchstoneError, ValueError):
    """A package folder is incomplete, or its parts do not fit together."""


class PortInUseError(TouchstoneError, OSError):
    """Another process listens on the port a server was told to use."""
