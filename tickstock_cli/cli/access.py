"""Who may come to a server: one token, and one warning, for every command that serves or follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from tickstock_cli.serving.server import Address

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TEXT|@FILE",
        envvar="TICKSTOCK_TOKEN",
        show_default=False,
        help="What clients must show; @FILE keeps it out of the list of processes.",
    ),
]


def read_token(text: str | None) -> str | None:
    """Read ``--token``: itself, or the first line of the file behind ``@``.

    Raises
    ------
    UsageError
        The file cannot be read, or there is no token.
    """
    if text is None:
        return None
    token = _first_line(Path(text[1:])) if text.startswith("@") else text
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("--token must be printable ASCII without spaces, and at least one character")
    return token


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the token of --token @{path}: {error}; name a text file") from error


def warn_if_open(address: Address) -> None:
    """Say so if anybody on the network may read."""
    if address.token is None and address.host not in LOOPBACK_NAMES:
        typer.echo(f"warning: whoever can reach {address.host} can read these events; --token keeps them out", err=True)
