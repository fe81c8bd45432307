"""The sides of a comparison: trees of source, each importable by itself, that the same probes measure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tickstock_cli.errors import UsageError

HERE = Path(__file__).parents[2]
"""The tree that this package runs from: a checkout's, or site-packages."""


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
        Name of what is planted in it, see `probe`; empty for the tree as it is.
    """

    label: str
    root: Path
    plant: str = ""


def head() -> Side:
    """Give the tree that this package runs from."""
    return Side("head", HERE)


@contextmanager
def revision(name: str) -> Iterator[Side]:
    """Give the tree of a revision of this checkout, in a work tree beside the user's caches that later runs find again.

    Raises
    ------
    UsageError
        This is no checkout, or has no such revision.
    """
    if not (HERE / ".git").exists():
        raise UsageError(
            f"--base {name} is no file, and revisions are those of a checkout, but tickstock runs from {HERE}"
        )
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode:
        raise UsageError(f"--base {name} is no revision of {HERE}, and no file; fetch it first, or name another")
    commit = found.stdout.strip()
    folder = cache_folder() / commit
    if not (folder / "tickstock_cli").is_dir():
        _git("worktree", "prune")
        made = _git("worktree", "add", "--detach", "--force", str(folder), commit)
        if made.returncode:
            raise UsageError(f"--base {name} cannot be checked out: {made.stderr.strip().splitlines()[-1]}")
    yield Side(f"{name} ({commit[:9]})" if name != commit[:9] else name, folder)


def cache_folder() -> Path:
    """Give where trees and recordings are kept between runs."""
    chosen = os.environ.get("TICKSTOCK_PERF_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tickstock" / "perf"


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
