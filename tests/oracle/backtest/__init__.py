"""The oracle of a backtest: a second reading of what it computes, plain and slow.

Like the oracle of the pipeline it shares nothing with the code under test. It keeps every accepted row, looks
everything up there, and does one thing after the other. Only ``judging`` touches the package: it runs a recording and
keeps the rows as judged.
"""

from tests.oracle.backtest.inputs import BarRow, Judged, TickRow
from tests.oracle.backtest.study import Study, study
from tests.oracle.backtest.trade import Traded, trade

__all__ = ["BarRow", "Judged", "Study", "TickRow", "Traded", "study", "trade"]
