"""The sides of a comparison: trees of source, each importable by itself, that the same benchmarks measure."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError, UsageError

HERE = Path(__file__).parents[2]
"""The tree that this package runs from: a checkout's, or site-packages."""
KEPT = 4
"""Trees of revisions that stay in the cache, the latest used; and so many recordings."""
_COMMIT = re.compile("[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class Side:
    """A tree of source.

    Parameters
    ----------
    label
        What people call it: ``head``, or a revision.
    root
        Holds ``tickstock_cli``.
    plant
        Name of what is planted in it, see `benchmarks`; empty for the tree as it is.
    """

    label: str
    root: Path
    plant: str = ""


def head() -> Side:
    """Return the tree that this package runs from."""
    return Side("head", HERE)


def revision(name: str, checkout: Path = HERE) -> Side:
    """Return the tree of a revision of a checkout: its files, in the user's cache, where later runs find them again.

    Raises
    ------
    UsageError
        This is no checkout, or has no such revision.
    OutputError
        The tree cannot be written.
    """
    if not (checkout / ".git").exists():
        raise UsageError(
            f"--base {name} is no file and no baseline, and revisions are those of a checkout, "
            f"but tickstock runs from {checkout}"
        )
    found = _git(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode:
        raise UsageError(
            f"--base {name} is no revision of {checkout}, no file and no baseline; fetch it first, or name another"
        )
    commit = found.stdout.decode().strip()
    folder = cache_folder() / commit
    try:
        if not folder.is_dir():
            _write_tree(checkout, commit, folder)
        os.utime(folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {os_error_hint(error)}; or set TICKSTOCK_PERF_CACHE") from error
    if not (folder / "tickstock_cli").is_dir():
        raise UsageError(f"--base {name} holds no tickstock_cli; name a later revision")
    keep_latest([path for path in cache_folder().iterdir() if _COMMIT.fullmatch(path.name)])
    return Side(f"{name} ({commit[:9]})" if name != commit[:9] else name, folder)


def keep_latest(folders: list[Path]) -> None:
    """Remove all but the latest used of some folders of the cache; what cannot be removed stays."""
    used: list[tuple[int, Path]] = []
    for folder in folders:
        with suppress(OSError):  # another run has removed it
            used.append((folder.stat().st_mtime_ns, folder))
    for _, folder in sorted(used)[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def cache_folder() -> Path:
    """Return where trees and recordings are kept between runs."""
    chosen = os.environ.get("TICKSTOCK_PERF_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tickstock" / "perf"


def _write_tree(checkout: Path, commit: str, folder: Path) -> None:
    """Write a commit's files; the folder has its name only once it holds all of them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    being_made = Path(mkdtemp(prefix=f"{commit}.", dir=folder.parent))
    packed = _git(checkout, "archive", "--format=tar", commit)
    if packed.returncode:
        raise UsageError(f"--base {commit} cannot be read: {packed.stderr.decode().strip()}")
    try:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # 3.11.3 and before have none
            archive.extractall(being_made)
        being_made.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another run has made it meanwhile
            raise
    finally:
        shutil.rmtree(being_made, ignore_errors=True)


def _git(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("a revision as --base needs git, which is not installed") from error
