"""The state of cores after days that were removed: kept in the folder, so that the days after them replay as before."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.settings import Settings, deciding_settings
from tickstock_cli.core.files import sync
from tickstock_cli.core.hour_files import STATE_FILE
from tickstock_cli.engine.checkpoint import VERSION
from tickstock_cli.errors import DataError

_UNTIL, _TICKERS, _VERSION = "until", "tickers", "version"


@dataclass(frozen=True, slots=True)
class CarriedState:
    """State after all rows up to a time.

    Parameters
    ----------
    until
        Available time of the last row in it, int64 ns UTC.
    tickers
        Those of the state, by code.
    arrays
        State of a core by name, by the key of its configuration.
    """

    until: int
    tickers: tuple[str, ...]
    arrays: Mapping[str, Mapping[str, NDArray[Any]]]

    @classmethod
    def none(cls) -> CarriedState:
        """Return the state before the first row."""
        return cls(0, (), {})


def configuration_key(settings: Settings) -> str:
    """Return a short text that two configurations share exactly if they decide the same results."""
    text = json.dumps(deciding_settings(settings), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:16]


def load_state(folder: Path) -> CarriedState | None:
    """Return the carried state of a folder; None if no day was removed.

    Raises
    ------
    DataError
        It is damaged, or of another version of tickstock.
    """
    path = folder / STATE_FILE
    try:
        # numpy leaves a file that it opened itself open if it is damaged
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, dict[str, NDArray[Any]]] = {}
            if int(stored.get(_VERSION, 1)) != VERSION:
                raise DataError(
                    f"{path}, the state after days that were removed, is of another version of tickstock; "
                    "remove it to replay the folder without it"
                )
            for name in stored.files:
                key, slash, array = name.partition("/")
                if slash:
                    arrays.setdefault(key, {})[array] = stored[name]
            return CarriedState(int(stored[_UNTIL]), tuple(stored[_TICKERS].tolist()), arrays)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataError(
            f"cannot read {path}, the state after days that were removed: {error}; "
            "remove it to replay the folder without it"
        ) from error


def save_state(folder: Path, state: CarriedState) -> None:
    """Replace the carried state of a folder, durably. Raises OSError."""
    arrays = {f"{key}/{name}": array for key, part in state.arrays.items() for name, array in part.items()}
    temporary = folder / f".{STATE_FILE}.part"
    try:
        with temporary.open("wb") as file:
            tickers = np.array(state.tickers, dtype=np.str_)
            heading = {_UNTIL: np.int64(state.until), _TICKERS: tickers, _VERSION: np.int64(VERSION)}
            np.savez(file, **heading, **arrays)  # type: ignore[arg-type]  # numpy's stub takes keywords for its options
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / STATE_FILE)
        sync(folder)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
