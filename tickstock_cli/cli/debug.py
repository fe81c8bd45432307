"""`tickstock debug`: the channels of a running system, from the debug documents of its server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tickstock_cli.cli.access import ShownToken, read_token
from tickstock_cli.cli.options import Json

SECONDS = 10.0
"""How long an answer may take."""


def debug(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The server: http://HOST:PORT, HOST:PORT, or HOST (port 8765).")
    ],
    channel: Annotated[
        str | None,
        typer.Argument(
            metavar="[CHANNEL]", show_default=False, help="A channel instance, such as tick-1; without: all of them."
        ),
    ] = None,
    token: ShownToken = None,
    as_json: Json = False,
) -> None:
    """Show what the channels of a running system did lately, what is slow and what helps.

    Without CHANNEL: a line for each instance, and every performance issue with advice. With it: its last batches, its
    slowest tickers, errors with their rows, changes with their causes, and the depth of its queue.
    """
    from urllib.parse import quote

    path = "/debug" if channel is None else f"/debug/channels/{quote(channel, safe='')}"
    document = _fetched(url, path, read_token(token))
    if as_json:
        import json

        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_debug import channel_report, summary_report

    data_console().print(summary_report(document) if channel is None else channel_report(document))


def _fetched(url: str, path: str, token: str | None) -> dict[str, Any]:
    """Return the JSON document of a server.

    Raises
    ------
    UsageError
        The text is no address.
    ServingError
        The server cannot be reached, or answers with an error.
    """
    import json
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.parse import urlsplit, urlunsplit
    from urllib.request import ProxyHandler, Request, build_opener

    from tickstock_cli.errors import ServingError
    from tickstock_cli.serving.addresses import websocket_url

    parts = urlsplit(websocket_url(url))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    address = urlunsplit((scheme, parts.netloc, parts.path.removesuffix("/ws") + path, "", ""))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    opener = build_opener(ProxyHandler({}))  # a server of one's own is not behind a proxy
    try:
        with opener.open(Request(address, headers=headers), timeout=SECONDS) as answer:
            document = json.load(answer)
    except HTTPError as error:
        raise ServingError(f"{address} answers {error.code}: {_reason(error.read())}") from error
    except (OSError, HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        reason = (getattr(cause, "strerror", None) or str(cause)).lower()
        raise ServingError(f"cannot read {address}: {reason}; is a tickstock server there?") from error
    if not isinstance(document, dict) or not document.keys() >= {"performance_issues"}:
        raise ServingError(f"{address} is no debug document of a tickstock server")
    return document


def _reason(body: bytes) -> str:
    """Return the message of an error answer, or the beginning of what came instead."""
    import json

    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:80].decode("utf-8", "replace").strip()
