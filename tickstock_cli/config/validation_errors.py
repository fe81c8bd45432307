"""What pydantic has to complain about, in words for the one who wrote the value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

_QUOTED = re.compile("'([^']*)'")


def reason(complaint: ErrorDetails) -> str:
    """Say what a value must be, to stand behind the key and the value."""
    context = complaint.get("ctx", {})
    match complaint["type"]:
        case "tuple_type" | "list_type":
            return 'must be a list, as in ["a", "b"]'
        case "dict_type":
            return "must be a table, as in {name = …}"
        case "too_short":
            return f"must have at least {context['min_length']} item"
        case "literal_error" if complaint["loc"][-1] == "[key]":
            name, names = str(complaint["loc"][-2]), _QUOTED.findall(context["expected"])
            near = get_close_matches(name, names, n=1)
            return f"there is no {name}; {f'did you mean {near[0]}?' if near else f'there are {either(names)}'}"
        case "value_error":
            return str(context["error"])
    return complaint["msg"].replace("Input should", "must").replace("String should", "must")


def either(names: Sequence[str]) -> str:
    """Join names to choose from: a, b or c."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
