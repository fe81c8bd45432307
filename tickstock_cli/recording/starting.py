"""The entry of a start in ``run.json``: command line without secrets, settings, versions."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from tickstock_cli import __version__
from tickstock_cli.config.settings import Settings
from tickstock_cli.recording.folder import Start

LIBRARIES = ("numba", "numpy", "pyarrow", "tzdata", "holidays")
"""Libraries that results can depend on."""

HIDDEN = "***"
_SECRET_OPTION = re.compile(r"(--?[\w-]*(?:key|token|secret|password)[\w-]*)(?:=(.*))?", re.IGNORECASE | re.DOTALL)
_URL = re.compile(r"(\w+://)(?:[^/@\s]*@)?([^?\s]*)(\?\S*)?")


def start_entry(
    settings: Settings,
    command: Sequence[str],
    *,
    at: int,
    floor: int,
    clock_offset_ns: int | None = None,
    secrets: Iterable[str] = (),
) -> Start:
    """Return the entry of a start; `RecordedFolder.add_start` numbers it.

    Parameters
    ----------
    settings
        The effective ones.
    command
        The command line.
    at, floor, clock_offset_ns
        As `Start` has them.
    secrets
        Texts that must not be in it, such as the vendor's key.
    """
    versions = {
        "tickstock": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
    return Start(
        0, at, floor, without_secrets(command, secrets), settings.model_dump(mode="json"), versions, clock_offset_ns
    )


def without_secrets(command: Sequence[str], secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """Return a command line without values of secret options, user names and queries of URLs, and ``secrets``.

    Examples
    --------
    >>> without_secrets(["live", "--token", "abc", "--url=wss://me:pw@host/stocks?key=1"])
    ('live', '--token', '***', '--url=wss://host/stocks')
    """
    hidden = [secret for secret in secrets if secret]
    words: list[str] = []
    is_value = False
    for word in command:
        option = _SECRET_OPTION.fullmatch(word)
        if is_value and not word.startswith("-"):
            shown = HIDDEN
        elif option is not None and option[2] is not None:
            shown = f"{option[1]}={HIDDEN}"
        else:
            shown = _URL.sub(r"\1\2", word)
        is_value = option is not None and option[2] is None
        for secret in hidden:
            shown = shown.replace(secret, HIDDEN)
        words.append(shown)
    return tuple(words)
