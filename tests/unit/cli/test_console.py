"""Where commands draw their data. Under test, standard output is no terminal."""

from __future__ import annotations

import pytest
from rich.table import Table

from tickstock_cli.cli.console import PIPE_COLUMNS, data_console


def test_a_pipe_is_wide(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line is not broken at a width that nobody has."""
    monkeypatch.delenv("COLUMNS", raising=False)
    line = "x" * PIPE_COLUMNS
    data_console().print(line)

    assert capsys.readouterr().out == f"{line}\n"


def test_the_variable_columns_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for any other program."""
    monkeypatch.setenv("COLUMNS", "72")

    assert data_console().width == 72


def test_a_terminal_without_a_size_has_the_width_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """It exports 0, at which nothing would be drawn."""
    monkeypatch.setenv("COLUMNS", "0")

    assert data_console().width == PIPE_COLUMNS


def test_tables_go_to_stderr_if_stdout_has_data(capsys: pytest.CaptureFixture[str]) -> None:
    """`--out -` has it."""
    data_console().print("data")
    data_console(stderr=True).print("talk")

    assert capsys.readouterr() == ("data\n", "talk\n")


def test_lines_in_a_pipe_have_no_trailing_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    """Trailing blanks would disturb tools that read the lines."""
    table = Table(box=None, show_header=False)
    table.add_row("tick", "1")
    table.add_row("a  b", "")
    data_console().print(table)

    assert capsys.readouterr().out == " tick  1\n a  b\n"
