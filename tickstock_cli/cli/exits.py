"""The end of a command: one line for the user, one exit code for scripts, and a traceback only on request.

=====  ==========================================================================================
0      done
1      a failure: an output could not be written, a checkpoint does not fit, memory is short, a bug
2      usage: an unknown command, option or key, a value out of range
3      bad data: missing, unreadable, wrong columns or types, out of order, rejected by ``--strict``
4      a figure missed its threshold
5      a file to import is not there yet
130    interrupted by the user
=====  ==========================================================================================
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import TextIO

import typer

from tickstock_cli.cli.setting_origins import with_origin
from tickstock_cli.core.memory_errors import memory_shortage, shortage_by_limit
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import TickstockError

OK = 0
FAILURE = 1
USAGE = 2
INTERRUPTED = 130

DEBUG_VARIABLE = "TICKSTOCK_DEBUG"
"""Environment variable; if it is not empty, every error also prints its traceback."""

RUST_PANIC = "PanicException"
"""The class of a failure within polars; it is no ``Exception`` and cannot be imported."""

_EXTRA = re.compile(r"(extra argument)\(s\) \((.*)\)")

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def exit_code(command: Callable[[], object]) -> int:
    """Run ``command``, print the error that stopped it, and return the exit code."""
    code = _guarded(command)
    flushed = _guarded(_flush_stdout)
    if flushed != OK:
        _discard(sys.stdout)
    return code or flushed


def _guarded(command: Callable[[], object]) -> int:
    try:
        outcome = command()
        if outcome == INTERRUPTED:  # typer raises this for a KeyboardInterrupt, without a message
            raise KeyboardInterrupt
    except TickstockError as error:
        told = memory_shortage(error) or error
        return _tell(with_origin(told), told.exit_code)
    except typer.TyperException as error:
        return _tell(_usage_line(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _tell("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return FAILURE  # the reader of our output has closed it
    except OSError as error:
        return _tell(str(memory_shortage(error) or _system_line(error)), FAILURE)
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        return _tell(_unexpected_line(error), FAILURE)
    except BaseException as error:
        if type(error).__name__ != RUST_PANIC:
            raise
        return _tell(_unexpected_line(error), FAILURE)
    return outcome if isinstance(outcome, int) else OK


def _tell(message: str, code: int) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()
    word = "" if code == INTERRUPTED else "error: "
    try:
        print(f"{word}{' '.join(message.split())}", file=sys.stderr)
    except OSError:  # nobody can be told, but scripts have the code
        _discard(sys.stderr)
    return code


def _unexpected_line(error: BaseException) -> str:
    shortage = memory_shortage(error) or shortage_by_limit()
    if shortage is not None:
        return str(shortage)
    return (
        f"this is a bug in tickstock: {type(error).__name__}: {error}; "
        f"run it again with {DEBUG_VARIABLE}=1 for the traceback to report"
    )


def _usage_line(error: typer.TyperException) -> str:
    from tickstock_cli.config.validation_errors import plain_words  # loads pydantic: only where there is an error

    # Checks of options put the class of the error first.
    message = plain_words(error.format_message().rstrip(".").replace("Value error, ", ""))
    message = _EXTRA.sub(lambda found: f"{found[1]}{'s' if ' ' in found[2] else ''} ({found[2]})", message)
    context = getattr(error, "ctx", None)
    hint = f"; see {context.command_path} --help" if context else ""
    return f"{message[:1].lower()}{message[1:]}{hint}"


def _system_line(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.filename:
        return f"{reason} ({error.filename})"
    # Sinks name their files, so an error without a name is one of standard output.
    return f"cannot write standard output: {os_error_hint(error)}" if error.errno in _NO_ROOM else reason


def _flush_stdout() -> None:
    if sys.stdout:
        sys.stdout.flush()


def _discard(stream: TextIO) -> None:
    """Replace a standard stream, so that the interpreter's last flush does not fail and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
