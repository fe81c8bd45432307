"""Validation errors of pydantic as messages for users."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

_QUOTED = re.compile("'([^']*)'")


def reason(error: ErrorDetails) -> str:
    """Return the requirement that a value violates; it follows key and value in a message."""
    context = error.get("ctx", {})
    match error["type"]:
        case "tuple_type" | "list_type":
            return 'must be a list, as in ["a", "b"]'
        case "dict_type":
            return "must be a table, as in {name = …}"
        case "too_short":
            return f"must have at least {context['min_length']} item"
        case "literal_error" if error["loc"][-1] == "[key]":
            name, names = str(error["loc"][-2]), _QUOTED.findall(context["expected"])
            near = get_close_matches(name, names, n=1)
            return f"there is no {name}; {f'did you mean {near[0]}?' if near else f'the choices are {either(names)}'}"
        case "missing":
            return "must be given"
        case "extra_forbidden":
            return "there is no such key"
        case "value_error":
            return str(context["error"])
    return error["msg"].replace("Input should", "must").replace("String should", "must")


def either(names: Sequence[str]) -> str:
    """Return names joined as a choice: a, b or c."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
