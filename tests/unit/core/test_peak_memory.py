"""The peak memory that a run reports is its own, whatever started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tickstock_cli.core.peak_memory import STATUS, peak_rss_bytes

MIB = 2**20
TOLD_BY_CHILD = "from tickstock_cli.core.peak_memory import peak_rss_bytes; print(peak_rss_bytes())"


class TestPeakRssBytes:
    """The greatest resident memory of a process."""

    @pytest.mark.skipif(not STATUS.exists(), reason="only Linux counts the peak of a program from its start")
    def test_that_a_child_of_a_big_process_tells_its_own(self) -> None:
        """A process of 400 MiB starts one that needs some tens: the child tells tens."""
        parent = (
            f"import subprocess, sys; held = bytearray(b'x' * {400 * MIB}); "
            f"subprocess.run([sys.executable, '-c', {TOLD_BY_CHILD!r}], check=True)"
        )
        told = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
        assert 5 * MIB < int(told.stdout) < 200 * MIB

    def test_that_what_was_held_and_freed_counts(self) -> None:
        """The peak stays after the memory was given back."""
        before = peak_rss_bytes()
        held = bytearray(b"x" * (before + 50 * MIB))
        del held
        assert peak_rss_bytes() >= before + 50 * MIB

    @pytest.mark.parametrize("content", [None, "Name:\tpython\n", "VmHWM:\tmany kB\n"])
    def test_that_other_systems_tell_that_of_getrusage(self, tmp_path: Path, content: str | None) -> None:
        """A missing file, a missing line and an unreadable one fall back to the figure that every system has."""
        status = tmp_path / "status"
        if content is not None:
            status.write_text(content, encoding="ascii")
        assert peak_rss_bytes(status) > 5 * MIB
