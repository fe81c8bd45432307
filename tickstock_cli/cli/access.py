"""Options of a server's address, token and origins, for every command that serves or follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from tickstock_cli.errors import UsageError
from tickstock_cli.storage.names import check_local

if TYPE_CHECKING:
    from tickstock_cli.serving.server import Address

TOKEN_VARIABLE = "TICKSTOCK_TOKEN"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
USUAL_PORTS = {"http": ":80", "https": ":443"}

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TEXT|@FILE",
        envvar=TOKEN_VARIABLE,
        show_default=False,
        help="What clients must show; @FILE keeps it out of the list of processes.",
    ),
]
Serve = Annotated[
    str | None,
    typer.Option(
        "--serve",
        metavar="[HOST:PORT]",
        show_default=False,
        help="Serve events (WebSocket), status, control and a page while it runs; default 127.0.0.1:8765.",
    ),
]
LogFolder = Annotated[
    Path | None,
    typer.Option("--log", metavar="DIR", show_default=False, help="Keep the event log of --serve in this folder."),
]
ShownToken = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TEXT|@FILE",
        envvar=TOKEN_VARIABLE,
        show_default=False,
        help="What the server wants to be shown.",
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="URL",
        show_default=False,
        help="Let pages of this origin connect, as in https://desk.example. Repeatable.",
    ),
]
SocketIo = Annotated[
    bool,
    typer.Option("--socketio", help="Also serve clients of the older system, over Socket.IO; needs an extra."),
]


def read_address(host: str, port: int, token: str | None, origins: list[str] | None, socketio: bool) -> Address:
    """Return the address and the access rules of a server; warn if any client of the network can connect.

    Raises
    ------
    UsageError
        The token or an origin is none.
    """
    from tickstock_cli.serving.server import Address, checked_host

    address = Address(checked_host(host), port, read_token(token), tuple(map(read_origin, origins or ())), socketio)
    warn_if_open(address)
    return address


def read_listen(
    listen: str | None, token: str | None, origins: list[str] | None, socketio: bool, log: Path | None
) -> Address | None:
    """Read ``--serve`` and its options; None without it.

    Raises
    ------
    UsageError
        ``listen`` is no address; an option of the server is given without one; or as ``read_address``.
    """
    if listen is None:
        about_it = {"--origin": origins, "--socketio": socketio, "--log": log}
        if idle := next((name for name, value in about_it.items() if value), None):
            raise UsageError(f"{idle} is about the server: add --serve")
        return None
    from tickstock_cli.serving.server import parse_host_port

    return read_address(*parse_host_port(listen), token, origins, socketio)


def read_origin(text: str) -> str:
    """Return ``--origin`` as browsers send it: lower case, without a path, and without a default port.

    Raises
    ------
    UsageError
        It has no scheme or host, or other parts than scheme, host and port.

    Examples
    --------
    >>> [read_origin(text) for text in ("https://Desk.example:443/", "http://[::1]:3000")]
    ['https://desk.example', 'http://[::1]:3000']
    """
    try:
        scheme, host, *more = urlsplit(text)
    except ValueError:
        scheme, host, more = "", "", []
    if not scheme or not host or any(part not in ("", "/") for part in more):
        raise UsageError(f"--origin must be a scheme and a host, as in https://desk.example, was {text}")
    return f"{scheme}://{host.lower().removesuffix(USUAL_PORTS.get(scheme, ''))}"


def read_token(text: str | None, option: str = "--token") -> str | None:
    """Return the token of ``option``: the text, or the first line of a file given as ``@FILE``.

    Raises
    ------
    UsageError
        The file cannot be read, or there is no token.
    """
    if text is None:
        return None
    token = _first_line(Path(text[1:]), option) if text.startswith("@") else text
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{option} must be printable ASCII without spaces, and at least one character")
    return token


def _first_line(path: Path, option: str) -> str:
    check_local(path, f"the token of {option}")
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read the token of {option} @{path}: it is not text; name a text file") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read the token of {option} @{path}: {reason}; name a text file") from error


def warn_if_open(address: Address) -> None:
    """Print a warning if any client of the network can read."""
    if address.token is None and address.host not in LOOPBACK_NAMES:
        typer.echo(f"warning: whoever can reach {address.host} can read these events; --token keeps them out", err=True)
