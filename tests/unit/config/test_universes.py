"""Universes in the settings: lists, files of tickers, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.sections import MODEL
from tickstock_cli.config.load import Loaded, load
from tickstock_cli.config.settings import Settings, deciding_settings
from tickstock_cli.config.universes import checked_ticker, read_tickers
from tickstock_cli.errors import SettingsError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no configuration lies about."""
    monkeypatch.chdir(tmp_path)


def loaded(*assignments: str, file: Path | None = None, **environment: str) -> Loaded[Settings]:
    """Load the test model from the given layers."""
    return load(MODEL, file=file, environment=environment, assignments=assignments)


def complaint(*assignments: str, file: Path | None = None) -> str:
    """Return the one line that loading these layers ends in."""
    with pytest.raises(SettingsError) as caught:
        loaded(*assignments, file=file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_in_a_configuration_are_relative_to_it(tmp_path: Path) -> None:
    """A folder of settings can be moved as a whole; lists and files may be mixed."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "core.txt").write_text("\ufeff# the big ones\nAAPL  # fruit\n\nMSFT\nAAPL\n", encoding="utf-8")
    (folder / "holdings.csv").write_text('Name,Ticker,Weight\n"Apple, Inc.",AAPL,3\nBerkshire,BRK.B,2\n')
    settings = folder / "tickstock.toml"
    settings.write_text(
        '[priority]\ncore_universe = "@core.txt"\n'
        '[priority.universes]\nheld = ["IBM", "@holdings.csv"]\nchips = ["AMD"]\n'
    )

    result = loaded(file=settings)

    assert result.settings.priority.by_name() == {
        "core": ("AAPL", "MSFT"),
        "held": ("IBM", "AAPL", "BRK.B"),
        "chips": ("AMD",),
    }
    assert result.origins["priority.core_universe"] == f"{settings}, @core.txt"


def test_files_on_the_command_line_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    """As every path that is typed; the same in the environment."""
    (tmp_path / "mine.txt").write_text("T\n")

    priority = loaded(
        "priority.core_universe=@mine.txt", TICKSTOCK_PRIORITY__UNIVERSES__OWN="@mine.txt"
    ).settings.priority

    assert priority.by_name() == {"core": ("T",), "own": ("T",)}
    assert loaded('priority.universes={own = "@mine.txt"}').settings.priority.universes == {"own": ("T",)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AAPL\nBRK;B\n", "list.txt, line 2: 'BRK;B' must be a ticker, 1 to 64 characters without commas"),
        ("AAPL,3.25\n", "list.txt, line 1: 'AAPL,3.25' must be a ticker"),
        ("# ok\n\nAAPL,Apple\n", "list.txt, line 3: 'AAPL,Apple' must be a ticker"),
        ("AAPL,Apple\n", "commas; a CSV needs a header with a column ticker"),
        ("name,ticker\nApple,AAPL\nNobody,\n", "list.txt, line 3: '' must be a ticker"),
        ("name,ticker\nApple\n", "list.txt, line 2: '' must be a ticker"),
        ("@other.txt\n", "list.txt, line 1: '@other.txt' must be a ticker"),
        ("A" * 65, "must be a ticker, 1 to 64 characters"),
        ("# none today\n", "list.txt has no ticker; write one per line"),
        ("ticker\n", "list.txt has no ticker; write one per line"),
    ],
)
def test_a_file_that_is_no_list_of_tickers_names_line_and_value(tmp_path: Path, text: str, expected: str) -> None:
    """A wrong list would silently put everything outside the core."""
    (tmp_path / "list.txt").write_text(text)

    said = complaint("priority.core_universe=@list.txt")

    assert said.startswith("priority.core_universe (in --set): list.txt")
    assert expected in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffAAPL\r\nMSFT\r\n", ["AAPL", "MSFT"]),
        ("BRK B  \nSPY   240119C00450000\n", ["BRK B", "SPY   240119C00450000"]),
        ("AAPL, MSFT ,IBM,\nF\n", ["AAPL", "MSFT", "IBM", "F"]),
        ('"BRK B","AAPL" # two\n', ["BRK B", "AAPL"]),
        ("aapl,msft\n", ["aapl", "msft"]),
        ('\ufeffSymbol,Name\nAAPL,Apple Inc.\nBRK B,"Berkshire, Class B"\n', ["AAPL", "BRK B"]),
        ("Name;Ticker\nApple Inc.;AAPL\n", ["AAPL"]),
        ("symbol\nAAPL\n", ["AAPL"]),
    ],
)
def test_lists_of_other_programs_are_read(tmp_path: Path, text: str, expected: list[str]) -> None:
    """With byte order marks, quotes, names of companies, blanks inside tickers."""
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_tickers(path) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Symbol\tName\r\nAAPL\tApple\r\nBRK B\tBerkshire\r\n".encode("utf-16"), ["AAPL", "BRK B"]),
        ("AAPL\r\nBRK B\r\n".encode("utf-16"), ["AAPL", "BRK B"]),
        ("Symbol;Name\r\nNESN;Nestlé\r\nAAPL;Apple\r\n".encode("cp1252"), ["NESN", "AAPL"]),
        (b"sep=;\r\nSymbol;Name\r\nAAPL;Apple\r\n", ["AAPL"]),
        (b'Some fund\nHoldings as of,"Jan 05, 2024"\n\nTicker,Name\n"AAPL","Apple, Inc."\n', ["AAPL"]),
    ],
)
def test_tables_of_excel_are_read(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    """In the encodings and with the lines that it and others put above."""
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    assert read_tickers(path) == expected


def test_an_unreadable_file_of_tickers_is_an_error(tmp_path: Path) -> None:
    """Missing, a folder, or no text."""
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")

    missing, folder, picture = (complaint(f"priority.universes.own=@{name}") for name in ("x.txt", ".", "picture.png"))

    assert missing == (
        "priority.universes.own (in --set): cannot read x.txt: no such file or directory; name a text file of tickers"
    )
    assert "is a directory" in folder
    assert "picture.png is not text" in picture


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ('priority.core_universe=["A;B"]', 'priority.core_universe[0] = "A;B" (in --set): must be a ticker'),
        ("priority.core_universe=AAPL", 'priority.core_universe = "AAPL" (in --set): must be a list'),
        ('priority.core_universe=["A", "A"]', "(in --set): must name each item once, but 'A' occurs twice"),
        ("priority.universes.own=[]", "priority.universes.own = [] (in --set): must have at least 1 item"),
        ('priority.universes.core=["A"]', "core is the name of priority.core_universe; choose another one"),
        ('priority.universes.my own=["A"]', "a universe's name must be letters, digits, - and _, 64 at most"),
        ("priority.universes=@own.txt", 'priority.universes = "@own.txt" (in --set): must be a table'),
        ('priority.core_universe=[1, "@x"]', 'must be a list, as in ["A", "@FILE"], but it has 1'),
    ],
)
def test_an_invalid_universe_is_an_error(assignment: str, expected: str) -> None:
    """Key, value, place, and what would be right."""
    assert expected in complaint(assignment)


def test_a_long_list_makes_no_long_error() -> None:
    """The line shows its beginning and counts the rest."""
    tickers = [f"T{number}" for number in range(5_000)]
    said = complaint(f"priority.core_universe={[*tickers, 'T7']}")

    assert said.startswith('priority.core_universe = ["T0", "T1", ')
    assert '"T11", and 4989 more] (in --set): must name each item once' in said


def test_the_core_universe_decides_events_and_its_notation_does_not(tmp_path: Path) -> None:
    """A checkpoint knows the tickers of a file, not its name or order; named universes are the clients' affair."""
    path = tmp_path / "core.txt"
    path.write_text("MSFT\nAAPL\n")
    from_file = deciding_settings(loaded("priority.core_universe=@core.txt").settings)
    path.write_text("MSFT\nT\n")

    assert from_file == deciding_settings(
        loaded('priority.core_universe=["AAPL", "MSFT"]', 'priority.universes.own=["F"]').settings
    )
    assert from_file != deciding_settings(loaded("priority.core_universe=@core.txt").settings)


names = st.lists(st.from_regex(r"[A-Z]{1,5}([.:/-][A-Z]{1,2})?", fullmatch=True), min_size=1, unique=True)


@given(names, st.booleans())
def test_written_tickers_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, tickers: list[str], as_csv: bool
) -> None:
    """In the file's order, whether lines or a CSV; every one of them is a ticker."""
    path = tmp_path_factory.mktemp("universe") / "list"
    path.write_text("\n".join(["rank,ticker", *(f"1,{ticker}" for ticker in tickers)] if as_csv else tickers))

    assert read_tickers(path) == [checked_ticker(ticker) for ticker in tickers]
