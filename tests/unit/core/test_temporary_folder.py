"""Temporary folders: gone with their run, also with a killed one, and never taken from a living one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tickstock_cli.core.folder_lock import FolderLock
from tickstock_cli.core.temporary_folder import LockedFolder

HOLD = """
import sys
from pathlib import Path
from tickstock_cli.core.temporary_folder import LockedFolder
folder = LockedFolder("snapshots", Path(sys.argv[1]))
(folder.path / "snapshot-1.npz").write_bytes(bytes(1000))
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    """Snapshots are up to a gigabyte: ten kill -9 would fill the disk. A living process keeps its own."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        with LockedFolder("log", tmp_path):
            assert (held / "snapshot-1.npz").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()

    with LockedFolder("log", tmp_path) as other:
        assert list(tmp_path.iterdir()) == [other]


def test_a_folder_goes_with_its_use(tmp_path: Path) -> None:
    """With the files in it, and twice is as good as once."""
    folder = LockedFolder("log", tmp_path)
    (folder.path / "journal").write_text("events")
    folder.close()
    folder.close()

    assert list(tmp_path.iterdir()) == []


def test_other_folders_stay(tmp_path: Path) -> None:
    """Names of other programs, of older versions, links and files are none of ours."""
    (tmp_path / "tickstock-log-abc").mkdir()
    (tmp_path / "other-log-abc.locked").mkdir()
    (tmp_path / "tickstock-log-file.locked").write_text("x")
    (tmp_path / "tickstock-log-link.locked").symlink_to(tmp_path / "other-log-abc.locked")
    before = sorted(os.listdir(tmp_path))
    LockedFolder("log", tmp_path).close()

    assert sorted(os.listdir(tmp_path)) == before


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    """The second one is refused, until the first is released."""
    lock = FolderLock(tmp_path)
    try:
        FolderLock(tmp_path)
    except BlockingIOError:
        refused = True
    else:
        refused = False
    lock.close()
    lock.close()
    FolderLock(tmp_path).close()

    assert refused
    assert lock.is_held
