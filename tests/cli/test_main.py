"""The program as a whole: help, version, and how every command ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

import tickstock_cli
from tests.cli.prepared import run_prepared, start_process
from tests.cli.running import error_line, run_process, run_tickstock
from tickstock_cli import errors
from tickstock_cli.cli.exits import DEBUG_VARIABLE, exit_code
from tickstock_cli.cli.options import parse_symbols
from tickstock_cli.core.column_maps import parse_maps

HEAVY = {
    "exchange_calendars",
    "holidays",
    "numba",
    "numpy",
    "polars",
    "pyarrow",
    "pydantic_settings",
    "rich",
    "scipy",
    "tqdm",
}

NOT_FOR_A_REPLAY = {
    "anyio",
    "asyncio",
    "holidays.countries",
    "polars",
    "psutil",
    "pydantic_settings",
    "tickstock_cli.cli.live_view",
    "tickstock_cli.engine.live",
    "tickstock_cli.engine.pacer",
    "tickstock_cli.monitoring",
    "tickstock_cli.runtime.system",
    "tickstock_cli.serving",
    "tickstock_cli.vendors.polygon.source",
    "tqdm",
}
"""What a replay flat out, with its results in a pipe, has no use for: the running system, live runs, and what draws."""


def every_error() -> list[type[errors.TickstockError]]:
    """Return the whole error tree."""
    return [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.TickstockError)]


def test_help_goes_to_stdout_and_names_the_commands() -> None:
    """`tickstock --help | less` works."""
    result = run_process("--help", fresh=True)

    assert (result.returncode, result.stderr) == (0, "")
    assert "  config  " in result.stdout


def test_no_command_shows_the_help_as_a_usage_error() -> None:
    """A script that forgot the command notices."""
    result = run_process()

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: tickstock [OPTIONS] COMMAND")


def test_version_is_the_package_s() -> None:
    """One place holds the version."""
    assert run_process("--version").stdout == f"tickstock {tickstock_cli.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["confg"], "no such command 'confg'. Did you mean 'config'?; see tickstock --help"),
        (["config", "shw"], "no such command 'shw'. Did you mean 'show'?; see tickstock config --help"),
        (
            ["config", "init", "--forc"],
            "no such option: --forc (Possible options: --force); see tickstock config init --help",
        ),
        (["config"], "missing command; see tickstock config --help"),
        (["replay", "day", "--speed"], "option '--speed' requires an argument; see tickstock replay --help"),
        (["replay", "--json=1"], "option '--json' does not take a value; see tickstock replay --help"),
        (["config", "show", "--set"], "option '--set' requires an argument; see tickstock config show --help"),
        (["live", "foo"], "got unexpected extra argument (foo); see tickstock live --help"),
        (["live", "foo", "bar"], "got unexpected extra arguments (foo bar); see tickstock live --help"),
        (["--version=1"], "option '--version' does not take a value; see tickstock --help"),
    ],
)
def test_a_typo_is_one_line_with_a_suggestion(arguments: list[str], expected: str) -> None:
    """Unknown commands and options end with exit code 2."""
    result = run_tickstock(*arguments)

    assert result.returncode == 2
    assert error_line(result) == expected


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    """`tickstock --help` stays within half again the time of importing typer and rich."""
    code = "import sys, tickstock_cli.cli.main; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert HEAVY.isdisjoint(modules)


def test_a_replay_imports_what_it_uses() -> None:
    """Half of the time of a short replay is that of imports."""
    code = (
        "import atexit, sys; from tickstock_cli.cli.main import run; "
        "atexit.register(lambda: print('modules', *sys.modules)); sys.argv[1:] = ['replay', 'sample_data']; run()"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    results, _, modules = output.partition("modules ")
    assert "aa3631101022bd4e" in results
    assert NOT_FOR_A_REPLAY.isdisjoint(modules.split())


MORE: dict[type[errors.TickstockError], tuple[object, ...]] = {
    errors.ExpiredError: (7,),
    errors.DamagedError: (7, 8),
    errors.FailedOutputsError: (None,),
}
"""What some errors say beside their message."""


@pytest.mark.parametrize("error", every_error())
def test_every_error_of_ours_ends_with_the_code_of_its_class(
    error: type[errors.TickstockError], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, nothing on stdout."""

    def fail() -> None:
        raise error("what, where,\nwhich value", *MORE.get(error, ()))

    word = "" if error is errors.InterruptedRunError else "error: "
    assert exit_code(fail) == error.exit_code
    assert capsys.readouterr() == ("", f"{word}what, where, which value\n")


def test_a_bug_is_one_line_until_the_traceback_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called a bug, and says how to report it."""
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    assert exit_code(lambda: [][1]) == 1
    line = capsys.readouterr().err
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    assert exit_code(lambda: [][1]) == 1
    both = capsys.readouterr().err

    assert line == (
        "error: this is a bug in tickstock: IndexError: list index out of range; "
        "run it again with TICKSTOCK_DEBUG=1 for the traceback to report\n"
    )
    assert both.startswith("Traceback (most recent call last)")
    assert both.endswith(line)


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a traceback, and without calling it an error."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    program = typer.Typer()
    program.command()(interrupted)
    by_typer = typer.main.get_command(program)

    for command in (interrupted, lambda: by_typer.main([], standalone_mode=False)):
        assert exit_code(command) == 130
        assert capsys.readouterr().err == "interrupted\n"


def test_an_operating_system_error_is_reported_as_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the reason and the path."""
    assert exit_code(Path("/none/at/all").read_text) == 1

    assert capsys.readouterr().err == "error: no such file or directory (/none/at/all)\n"


def test_the_exit_code_of_a_command_is_that_of_the_process() -> None:
    """`typer.Exit(4)` comes through as 4."""
    assert exit_code(lambda: 4) == 4
    assert typer.Exit(4).exit_code == 4


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    """`tickstock config schema | head -1` is no error worth a line."""
    with start_process("config", "schema", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()

    assert (process.returncode, complaint) == (1, b"")


def test_a_full_disk_behind_stdout_is_an_error() -> None:
    """A redirect that lost its end must not look like success."""
    with open("/dev/full", "w") as full:
        result = run_prepared("config", "schema", stdout=full)

    assert result.returncode == 1
    assert result.stderr == (
        "error: cannot write standard output: the disk is full; free some space or write elsewhere\n"
    )


def test_symbols_are_read_from_the_option_or_a_file(tmp_path: Path) -> None:
    """Commas, lines and comments; blanks inside a ticker; an option that is repeated adds to what was named before."""
    path = tmp_path / "universe.txt"
    path.write_text("AAPL, MSFT  # big\n\nBRK.B\n# IBM\n")

    assert parse_symbols(None) is None
    assert parse_symbols(["AAPL,BRK.B"]) == frozenset({"AAPL", "BRK.B"})
    assert parse_symbols([" BRK B,SPY   240119C00450000 "]) == frozenset({"BRK B", "SPY   240119C00450000"})
    assert parse_symbols(["T", f"@{path}", "F,T"]) == frozenset({"AAPL", "MSFT", "BRK.B", "F", "T"})


@pytest.mark.parametrize("text", ["", " , ", "@/none/universe.txt"])
def test_an_empty_list_of_symbols_is_an_error(text: str) -> None:
    """An empty selection would replay nothing and look like a quiet market."""
    with pytest.raises(errors.UsageError, match="--symbols"):
        parse_symbols(["IBM", text])


def test_a_column_is_mapped_once() -> None:
    """Of two names the last would win, in silence. Names that look like numbers stay names."""
    assert parse_maps(["price=last", "size=5", "flags=", "price=last"]) == {"price": "last", "size": "5", "flags": ""}
    with pytest.raises(errors.UsageError, match="write ours=theirs"):
        parse_maps(["price"])
    with pytest.raises(errors.UsageError, match="--map price=ask: price is mapped to bid already; map it once"):
        parse_maps(["price=bid", "price=ask"])
