"""Loading or compiling the kernels of a backtest on a few rows, so that its own time holds no compilation."""

from __future__ import annotations

import numpy as np

from tickstock_cli.channels.judged import JudgedTicks
from tickstock_cli.config.analysis import StudySettings
from tickstock_cli.core.batch import TickBatch
from tickstock_cli.core.events import EVENT
from tickstock_cli.core.times import MAX_NS, NS_PER_DAY
from tickstock_cli.kernels.reasons import ACCEPTED
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.tick_prints import tick_prints
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.study.event_paths import EventPaths
from tickstock_cli.study.event_study import EventStudy
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents
from tickstock_cli.study.tables import study_table

_DAY = 19_000


def warm_up_study() -> None:
    """Judge an event of one day, with a placebo on the next; then draw up a table of two."""
    days, paths = TradingDays("24/7", ("regular",)), EventPaths()
    study = EventStudy(StudySettings(), days, is_bars=False, open_slack_ms=0, paths=paths)
    begun = _DAY * NS_PER_DAY
    event = np.zeros(1, dtype=EVENT)
    event["direction"], event["emitted_at"] = 1, begun + 1
    for day, events in ((_DAY, event), (_DAY + 1, event[:0])):
        time = day * NS_PER_DAY + 60_000_000_000
        until = MAX_NS if day > _DAY else time + 1
        numbers, times = np.array([day], dtype=np.int32), np.array([time])
        code, price, size = np.zeros(1, dtype=np.int32), np.ones(1), np.ones(1, dtype=np.int64)
        prints = Prints(code, times, times, numbers, price, price, price, price, size, times)
        ticks = JudgedTicks.of(TickBatch(code, times, times, times, times, price, size, np.zeros(1, dtype=np.uint8)))
        ticks.reason[:] = ACCEPTED
        tick_prints(ticks, days)
        ids = np.zeros(len(events), dtype=np.uint64)
        study.take(PriceSlice(until, prints, Prints.none(), events, numbers, numbers, times), ids, 1)
    counts, times, moves = np.zeros(2, dtype=np.int16), np.full(2, begun), np.zeros(2)
    rows = HorizonRows("1m", 60_000_000_000, moves == 0, times, moves, moves, moves, np.zeros((2, 2)))
    study_table(StudyEvents(counts, counts, counts + 1, counts, counts), [rows], ("",), ("",), 1)
