"""Tickers that are none, or that nobody finds: `nan`, blanks around them, another one than the folder's."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.stated import StatedFacts

_NONE = ("nan", "none", "null", "<NA>", "#N/A", "NaN", "None", "NULL", "N/A")
"""Texts that programs write where there is no ticker. `NA` is that of a company."""


def _look(facts: Facts) -> Iterator[Oddity]:
    """Look at the first and the last ticker in alphabetical order, which the footer states.

    Texts in small letters come last, and what begins with a blank or a sign first.
    """
    theirs = facts.layout.columns.get("ticker")
    extremes = None if theirs is None else facts.extremes(theirs)
    if theirs is None or extremes is None:
        return
    tickers = [text for text in (extremes.low, extremes.high) if isinstance(text, str) and text]
    padded = next((ticker for ticker in tickers if _is_padded(ticker)), None)
    if padded is not None:
        yield Oddity(f"tickers have blanks around them, such as {padded!r}: --symbols and events have them, too")
    nobody = next((ticker for ticker in tickers if ticker in _NONE), None)
    if nobody is not None:
        yield Oddity(f"rows of the ticker {nobody} are read as those of one: write null where there is none")
    folder = facts.partitions.get(theirs)
    if folder is not None and any(ticker != folder for ticker in tickers):
        other = next(ticker for ticker in tickers if ticker != folder)
        yield Oddity(f"the folder is named {theirs}={folder}, but rows are of {other}: the file's column is read")


def _screen(files: StatedFacts) -> bool:
    theirs = files.shared.layout.columns.get("ticker")
    if theirs is None:
        return True
    extremes = files.extremes(theirs)
    if extremes is None or any(theirs in facts.partitions for facts in files.files):
        return False
    texts = [text for text in {*extremes[0], *extremes[1]} if isinstance(text, str)]
    return not any(_is_padded(text) or text in _NONE for text in texts)


def _is_padded(ticker: str) -> bool:
    return ticker != ticker.strip()


CHECK = RecordingCheck("tickers", ("tick", "ohlcv", "fmv"), _look, screen=_screen)
