"""Values as TOML text. Text that is not TOML is a string, so that ``key=ticker`` needs no quotes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_ITEMS = 12


def parse_value(text: str) -> Any:
    """Return the value of a text.

    Examples
    --------
    >>> [parse_value(text) for text in ("20", "0.5", "true", '["pre", "post"]', "ticker", '"20"')]
    [20, 0.5, True, ['pre', 'post'], 'ticker', '20']
    """
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text


def format_value(value: Any) -> str:
    """Return a value as one line that ``parse_value`` reads back.

    Examples
    --------
    >>> [format_value(value) for value in (20.0, True, ("pre", "post"), {"price": "last"})]
    ['20', 'true', '["pre", "post"]', '{price = "last"}']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name} = {format_value(entry)}' for name, entry in value.items())}}}"
    if isinstance(value, str):
        # Strings of JSON are strings of TOML, except DEL, which TOML requires escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return f"[{', '.join(map(format_value, value))}]"
    return repr(value).removesuffix(".0")


def show_value(value: Any) -> str:
    """Return a value as text for people; a long list is shortened, with the number of other items.

    Examples
    --------
    >>> show_value([*"ABCDEFGHIJKLMNOPQR"])
    '["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", and 6 more]'
    """
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > SHOWN_ITEMS:
        return f"{format_value(value[:SHOWN_ITEMS])[:-1]}, and {len(value) - SHOWN_ITEMS} more]"
    return format_value(value)
