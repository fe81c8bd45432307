"""Counts the instructions that a process retires in user space, if kernel and machine support it.

Linux only: `perf_event_open(2)`. Virtual machines often have no such counter; then the constructor raises OSError.
"""

from __future__ import annotations

import ctypes
import os
import struct

_SYSCALLS = {"x86_64": 298, "aarch64": 241}
_TYPE_HARDWARE, _COUNT_INSTRUCTIONS = 0, 1
_ATTRIBUTE_BYTES = 112
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6


class InstructionCounter:
    """Counts instructions from its construction on, in this process and the threads that it starts.

    Raises
    ------
    OSError
        The machine or the system does not count instructions.
    """

    def __init__(self) -> None:
        number = _SYSCALLS.get(os.uname().machine) if os.uname().sysname == "Linux" else None
        if number is None:
            raise OSError("instructions are counted on Linux alone, on x86-64 and ARM")
        attribute = struct.pack(
            "<IIQQQQQ",
            _TYPE_HARDWARE,
            _ATTRIBUTE_BYTES,
            _COUNT_INSTRUCTIONS,
            0,
            0,
            0,
            _INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR,
        ).ljust(_ATTRIBUTE_BYTES, b"\0")
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.syscall(number, ctypes.c_char_p(attribute), 0, -1, -1, 0)
        if self._descriptor < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def read(self) -> int:
        """Return the instructions so far."""
        return int.from_bytes(os.read(self._descriptor, 8), "little")
