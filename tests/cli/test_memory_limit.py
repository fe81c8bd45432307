"""Memory that the system refuses: one line that says so, not a damaged file and not a bug."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pyarrow as pa
import pytest

from tickstock_cli.cli.exits import exit_code
from tickstock_cli.errors import DataError
from tickstock_cli.sources.footer import reading


def refused_by_numpy() -> None:
    """Ask for an array that no machine has memory for."""
    import numpy as np

    np.empty(1 << 58, dtype=np.int8)


def refused_by_arrow_while_reading() -> None:
    """Ask for a buffer that no machine has memory for, in the middle of a file."""
    with reading("ticks.parquet"):
        pa.allocate_buffer(1 << 58)


def refused_thread() -> None:
    """Raise what Python raises where it cannot start a thread, behind an error of ours."""
    try:
        raise RuntimeError("can't start new thread")
    except RuntimeError as error:
        raise DataError("cannot read bars.parquet: it is damaged, cut off or not a Parquet file") from error


def panic() -> None:
    """Raise what polars raises where its threads cannot start: no `Exception`."""

    class PanicException(BaseException):
        pass

    raise PanicException("OS can't spawn worker thread: Resource temporarily unavailable (os error 11)")


@pytest.mark.parametrize("command", [refused_by_numpy, refused_by_arrow_while_reading, refused_thread, panic])
def test_refused_memory_is_one_line_and_exit_code_1(
    command: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A user who restores a file that is whole, or reports a bug, loses a day."""
    code = exit_code(command)
    told = capsys.readouterr().err

    assert code == 1
    assert told.startswith("error: memory is short: ")
    assert told.count("\n") == 1
    assert "raise the limit (ulimit -v" in told
    assert "damaged" not in told


def test_an_unexpected_error_near_the_limit_is_one_of_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that cannot be loaded for want of memory says that it is not there."""

    def fail() -> None:
        raise ModuleNotFoundError("No module named 'polars.polars'")

    without = exit_code(fail), capsys.readouterr().err
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, resource.RLIM_INFINITY))
    near = exit_code(fail), capsys.readouterr().err

    assert without[0] == near[0] == 1
    assert without[1].startswith("error: this is a bug in tickstock: ModuleNotFoundError")
    assert near[1].startswith("error: memory is short: this process uses ")
    assert "of the 1 MiB that ulimit -v allows" in near[1]
