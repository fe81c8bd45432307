"""Validation errors of pydantic as messages for users."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

_QUOTED = re.compile("'([^']*)'")
_OTHER_TYPE = re.compile(
    r"must be a valid (\w+), (unable to parse string as an? \w+|got a number with a fractional part)"
)
_ARTICLES = {"integer": "an"}


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
    return plain_words(error["msg"])


def plain_words(message: str) -> str:
    """Return a message of pydantic as the rest of a sentence whose subject is the value.

    Examples
    --------
    >>> plain_words("Input should be a valid number, unable to parse string as a number")
    'must be a number'
    >>> plain_words("Input should be greater than or equal to 1")
    'must be greater than or equal to 1'
    """
    words = message.replace("Input should", "must").replace("String should", "must")
    return _OTHER_TYPE.sub(lambda found: f"must be {_ARTICLES.get(found[1], 'a')} {found[1]}", words)


def either(names: Sequence[str]) -> str:
    """Return names joined as a choice: a, b or c."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
