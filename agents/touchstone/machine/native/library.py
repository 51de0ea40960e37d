"""Loads the shared library and declares its functions (``src/api.cpp``)."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

from touchstone.errors import TouchstoneError
from touchstone.machine.native.build import LIBRARY_NAME

LIBRARY_PATH = Path(__file__).resolve().parent / LIBRARY_NAME

TraceSink = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)

_POINTERS = ctypes.POINTER(ctypes.c_void_p)
_SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "ts_error": (ctypes.c_char_p, []),
    "ts_isa": (ctypes.c_char_p, []),
    "ts_isa_level": (ctypes.c_char_p, [ctypes.c_int]),
    "ts_machine_create": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_size_t, _POINTERS, ctypes.c_int]),
    "ts_machine_destroy": (None, [ctypes.c_void_p]),
    "ts_machine_load": (None, [ctypes.c_void_p, _POINTERS]),
    "ts_machine_state": (None, [ctypes.c_void_p, _POINTERS]),
    "ts_machine_slot_roots": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]),
    "ts_machine_hash_blocks": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]),
    "ts_machine_run": (ctypes.c_int64, [ctypes.c_void_p, ctypes.c_int64, ctypes.c_double]),
    "ts_machine_instructions": (ctypes.c_int64, [ctypes.c_void_p]),
    "ts_machine_instruction_nodes": (ctypes.c_int64, [ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64), ctypes.c_int64]),
    "ts_machine_profile": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_double)]),
    "ts_machine_trace": (ctypes.c_int, [ctypes.c_void_p, TraceSink]),
    "ts_machine_memory": (ctypes.c_int64, [ctypes.c_void_p]),
    "ts_hash_leaves": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int]),
    "ts_hash_blocks": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int]),
    "ts_tensor_root": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int]),
}


class NativeRuntimeError(TouchstoneError, RuntimeError):
    """The native runtime is not there, or it failed."""


@cache
def library() -> ctypes.CDLL:
    """The loaded library.

    Raises:
        NativeRuntimeError: it was never compiled, or not for this system.
    """
    remedy = "run `make native`, or reinstall with `pip install` where a C++20 compiler is available"
    if not LIBRARY_PATH.exists():
        raise NativeRuntimeError(f"the native runtime {LIBRARY_PATH} is missing; {remedy}")
    try:
        loaded = ctypes.CDLL(str(LIBRARY_PATH))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise NativeRuntimeError(f"the native runtime {LIBRARY_PATH} cannot be loaded ({error}); {remedy}") from error
    return loaded


def last_error() -> str:
    """The message of the last failed call on this thread."""
    message: bytes = library().ts_error()
    return message.decode()
