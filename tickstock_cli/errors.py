"""Every error that tickstock raises on purpose, and the exit code each one ends a command with.

    TickstockError                1   something failed
    ├── UsageError                2   the command or its settings are wrong
    │   ├── SettingsError         2   a key is unknown or a value out of range
    │   └── UnknownPartError      2   no detector, source or sink of that name
    ├── PluginError               1   a plugin cannot be loaded, or its name is not its own
    ├── DataError                 3   the input is missing, unreadable or wrong
    │   ├── SchemaError           3   a column is missing or has the wrong type
    │   │   └── NoRowsError       3   a file has no row, and columns of no recording
    │   ├── OwnOutputError        3   a file of ours stands where a recording is wanted
    │   ├── OrderError            3   rows are not in time order
    │   ├── RejectedRowError      3   `--strict` met a row that the rules reject
    │   ├── SourceFileError       3   a file to import is cut short, damaged or unreadable
    │   │   └── NotPublishedError 5   a file to import is not there yet
    │   ├── ExpiredError          3   an event is older than what its log keeps
    │   └── DamagedError          3   events of a log cannot be read
    ├── OutputError               1   something could not be written
    │   └── FailedOutputsError    1   some outputs could not be written; the others are whole
    ├── MemoryShortError          1   memory, or a limit of it, is used up
    ├── CheckpointError           1   a checkpoint does not fit this run
    ├── ServingError              1   a server cannot listen, or cannot be reached
    ├── FeedError                 1   a live feed refuses us, or cannot be reached
    ├── SystemBrokenError         1   a channel's state is undefined
    ├── SlowConsumerError         1   a consumer of events fell behind
    ├── LedgerError               1   rows or events are unaccounted for
    ├── ThresholdError            4   a figure missed its threshold
    └── InterruptedRunError     130   the user stopped the run

A message is one line: what is wrong, where, which value, and what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class TickstockError(Exception):
    """Root of the tree. ``exit_code`` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class UsageError(TickstockError):
    """The command, an option or a setting is wrong; nothing was read or written.

    Parameters
    ----------
    setting
        The key of the setting that is wrong, if the message does not say where it is from.
    """

    exit_code = 2

    def __init__(self, *message: object, setting: str | None = None) -> None:
        super().__init__(*message)
        self.setting = setting


class SettingsError(UsageError):
    """A setting is unknown or its value is out of range."""


class UnknownPartError(UsageError):
    """No registered part has this name."""


class PluginError(TickstockError):
    """A part of another distribution cannot be loaded, or has a name that another part has."""


class DataError(TickstockError):
    """The input is missing, unreadable, truncated or wrong."""

    exit_code = 3


class SchemaError(DataError):
    """A recording lacks a column, or a column has a type that cannot be read as what it should be."""


class OwnOutputError(DataError):
    """A file that tickstock wrote, of events for example, stands where a recording is wanted."""


class NoRowsError(SchemaError):
    """A file has no row, and columns that are those of no recording: programs write frames without rows like this."""


class OrderError(DataError):
    """A recording's rows are not in the order of their available times."""


class RejectedRowError(DataError):
    """A row that the rules reject was met under ``--strict``."""


class SourceFileError(DataError):
    """A file to import cannot be imported. ``state`` is one word for what is wrong, for results of the command."""

    def __init__(self, message: str, state: str = "unreadable") -> None:
        super().__init__(message)
        self.state = state


class NotPublishedError(SourceFileError):
    """A file that a vendor publishes is missing or empty, or holds a server's page of an error: it may come later."""

    exit_code = 5

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_published")


class ExpiredError(DataError):
    """An event log no longer keeps the event that was asked for; ``first_sequence`` is the oldest one it keeps."""

    def __init__(self, message: str, first_sequence: int) -> None:
        super().__init__(message)
        self.first_sequence = first_sequence


class DamagedError(DataError):
    """A file of an event log cannot be read.

    Parameters
    ----------
    first_sequence, next_sequence
        The first event of the file, and the first one behind it.
    """

    def __init__(self, message: str, first_sequence: int, next_sequence: int) -> None:
        super().__init__(message)
        self.first_sequence = first_sequence
        self.next_sequence = next_sequence


class OutputError(TickstockError):
    """An output could not be written. What stood under its name before is untouched."""


class FailedOutputsError(OutputError):
    """Some outputs of a run could not be written; the others have their final names. ``result`` is that of the run."""

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class MemoryShortError(TickstockError):
    """The system refuses memory or threads: nothing is wrong with the input or with tickstock."""


class CheckpointError(TickstockError):
    """A checkpoint is missing, damaged or belongs to another run."""


class ServingError(TickstockError):
    """A server cannot listen where it was told to, or cannot be reached."""


class FeedError(TickstockError):
    """A live feed refuses the key, the subscriptions or another connection, or was given up."""


class SystemBrokenError(TickstockError):
    """A channel failed in a way that leaves its state undefined, or the running system has ended: no more rows."""


class SlowConsumerError(TickstockError):
    """A consumer of released events fell so far behind that no more were held for it."""


class LedgerError(TickstockError):
    """The ledger does not balance: a row or an event is unaccounted for. Always a bug in tickstock."""


class ThresholdError(TickstockError):
    """A measured figure missed the threshold it was held against."""

    exit_code = 4


class InterruptedRunError(TickstockError):
    """The user ended the run before its input was used up."""

    exit_code = 130
