"""Machine code of kernels on disk: one file for each kernel and argument types, named by a hash of its dependencies.

A file never changes once it is written, so processes and checkouts of different versions can share a folder.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from contextlib import suppress
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numba
import numba.core.runtime.nrt
from numba.core.caching import NullCache

from tickstock_cli.kernels.fingerprint import NoFingerprintError, describe_type, fingerprint

config: Any = numba.config
core: Any = numba.core
"""Typed by hand: numba makes its settings at run time, and has few annotations."""

PACKAGE = Path(__file__).parent.parent
SUFFIX = ".kernel"
MAX_BYTES = 64 * 2**20
"""Room for about twenty versions of all kernels of the package; the files used last are kept."""


class KernelCache(NullCache):
    """The cache from which numba loads a kernel's machine code, and in which it stores compiled code.

    Parameters
    ----------
    kernel
        The dispatcher that numba made of the kernel's function.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    @property
    def cache_path(self) -> str | None:
        return None if cache_folder() is None else str(cache_folder())

    @cached_property
    def name(self) -> str | None:
        """Prefix of the names of this kernel's files; None if it cannot be cached.

        Computed at the first call of the kernel, because its module is complete only then.
        """
        function = self._kernel.py_func
        try:
            hashed = fingerprint(self._kernel)
        except NoFingerprintError:
            return None
        return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}-{hashed}-"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        # All that machine code needs of numba. A whole refresh, as in numba's own cache, imports what compiles arrays,
        # linear algebra and dictionaries, and takes a quarter of a short run; numba does it before it compiles.
        core.runtime.nrt.rtsys.initialize(target_context)
        path = self._path(sig, target_context.codegen())
        if path is None:
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):  # the folder may belong to another user
            os.utime(path)
        return core.compiler.CompileResult._rebuild(target_context, *pickle.loads(data))  # noqa: SLF001 - as numba's own cache does

    def save_overload(self, sig: Any, data: Any) -> None:
        path = self._path(sig, data.codegen)
        if path is None or data.library.has_dynamic_globals:
            return
        with suppress(OSError):  # on a full disk, the next run compiles again
            _remove_old_once(path.parent)
            _write(path, core.serialize.dumps(data._reduce()))  # noqa: SLF001 - as numba's own cache does

    def _path(self, sig: Any, codegen: Any) -> Path | None:
        """Return the file for arguments of these types on this kind of processor; None without a cache."""
        folder = cache_folder()
        if folder is None or self.name is None:
            return None
        arguments, returned = core.sigutils.normalize_signature(sig)
        try:
            described = (tuple(map(describe_type, arguments)), str(returned), codegen.magic_tuple())
        except NoFingerprintError:
            return None
        hashed = blake2b(repr(described).encode(), digest_size=8).hexdigest()
        return folder / f"{self.name}{hashed}{SUFFIX}"


def is_compiled(kernel: Any) -> bool:
    """Return whether the cache has the machine code of a kernel in its present version."""
    folder = cache_folder()
    cached = getattr(kernel, "_cache", None)
    return folder is not None and cached is not None and any(folder.glob(f"{cached.name}*{SUFFIX}"))


@cache
def cache_folder() -> Path | None:
    """Return the folder for machine code; None if no folder is writable."""
    return next((place for place in cache_places() if _is_writable(place)), None)


def cache_places() -> tuple[Path, ...]:
    """Return the folders for machine code, best first: NUMBA_CACHE_DIR, beside the source, the user's cache folder."""
    if config.CACHE_DIR:
        return (Path(config.CACHE_DIR) / "tickstock",)
    at_home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return PACKAGE / "__pycache__" / "kernels", at_home / "tickstock" / "kernels"


def remove_old(folder: Path, max_bytes: int) -> None:
    """Remove the least recently used files until the others fit, and files of other versions."""
    used: list[tuple[float, int, Path]] = []
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with suppress(OSError):  # another process removed it
            status = path.stat()
            used.append((status.st_mtime, status.st_size, path))
    total = 0
    for _, size, path in sorted(used, reverse=True):
        total += size
        if total > max_bytes:
            path.unlink(missing_ok=True)


@cache
def _remove_old_once(folder: Path) -> None:
    """Remove old files once in a process, because listing the folder costs time."""
    remove_old(folder, MAX_BYTES)


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically for other processes."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_writable(folder: Path) -> bool:
    """Return whether a file can be written: permissions do not show a read-only file system."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
