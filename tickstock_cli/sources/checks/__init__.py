"""Checks of recordings for what would be read wrongly without a word. A new one is a file here and a line below.

A check looks at a file when it is opened, and at its rows while they are read, where first rows are not enough. It
stops the run with the remedy, or finds what `replay` notes and `inspect` lists.
"""

from __future__ import annotations

from tickstock_cli.sources.checks.bar_distances import CHECK as BAR_DISTANCES
from tickstock_cli.sources.checks.bar_label import CHECK as BAR_LABEL
from tickstock_cli.sources.checks.bar_lengths import CHECK as BAR_LENGTHS
from tickstock_cli.sources.checks.changes import CHECK as CHANGES
from tickstock_cli.sources.checks.conditions import CHECK as CONDITIONS
from tickstock_cli.sources.checks.corrections import CHECK as CORRECTIONS
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck, Watcher
from tickstock_cli.sources.checks.flags import CHECK as FLAGS
from tickstock_cli.sources.checks.interval import CHECK as INTERVAL
from tickstock_cli.sources.checks.local_times import CHECK as LOCAL_TIMES
from tickstock_cli.sources.checks.marked_rows import CHECK as MARKED_ROWS
from tickstock_cli.sources.checks.order_book import CHECK as ORDER_BOOK
from tickstock_cli.sources.checks.plausible import CHECK as PLAUSIBLE
from tickstock_cli.sources.checks.price_columns import CHECK as PRICE_COLUMNS
from tickstock_cli.sources.checks.repeated_bars import CHECK as REPEATED_BARS
from tickstock_cli.sources.checks.repeated_ids import CHECK as REPEATED_IDS
from tickstock_cli.sources.checks.tickers import CHECK as TICKERS
from tickstock_cli.sources.checks.time_of_day import CHECK as TIME_OF_DAY
from tickstock_cli.sources.checks.times import CHECK as TIMES
from tickstock_cli.sources.checks.where import CHECK as WHERE

__all__ = ["CHECKS", "Facts", "Oddity", "RecordingCheck", "Watcher"]

CHECKS: tuple[RecordingCheck, ...] = (
    TIMES,
    TIME_OF_DAY,
    LOCAL_TIMES,
    TICKERS,
    INTERVAL,
    BAR_LABEL,
    BAR_LENGTHS,
    BAR_DISTANCES,
    REPEATED_BARS,
    ORDER_BOOK,
    CHANGES,
    CORRECTIONS,
    MARKED_ROWS,
    CONDITIONS,
    REPEATED_IDS,
    FLAGS,
    PLAUSIBLE,
    PRICE_COLUMNS,
    WHERE,
)
