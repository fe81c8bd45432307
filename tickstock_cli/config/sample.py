"""A commented configuration file, and the text of a key's bounds, both generated from the models."""

from __future__ import annotations

import textwrap
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tickstock_cli.config.settings import Settings, setting_keys, setting_sections
from tickstock_cli.config.values import format_value

WIDTH = 100

HEAD = """\
# Settings of tickstock. Every key has its default here: remove the # before a line to change it.
# Variables TICKSTOCK_SECTION__KEY override this file; --set section.key=value overrides both.
"""

_TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def render_sample(model: type[Settings]) -> str:
    """Return the text of a configuration file that changes nothing until a line is uncommented."""
    keys = setting_keys(model)
    defaults = model().model_dump()
    lines = [HEAD]
    for section, sub_model in setting_sections(model).items():
        lines += [*_comment(_first_paragraph(sub_model.__doc__)), f"[{section}]"]
        for name in sub_model.model_fields:
            field = keys[f"{section}.{name}"]
            lines += [*_comment(f"{field.description or name} ({describe_bounds(field)})")]
            lines += [f"#{name} = {format_value(defaults[section][name])}"]
        lines.append("")
    return "\n".join(lines)


def describe_bounds(field: FieldInfo) -> str:
    """Return the type, the choices and the limits of a key as text."""
    limits = [
        f"{words} {format_value(limit)}"
        for attribute, words in _BOUNDS
        for constraint in field.metadata
        if (limit := getattr(constraint, attribute, None)) is not None
    ]
    if any(isinstance(constraint, annotated_types.MinLen) and constraint.min_length for constraint in field.metadata):
        limits.append("not empty")
    return ", ".join([_type_words(field.annotation), *limits])


def _type_words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_words(arguments[0])
    if NoneType in arguments:
        return _type_words(arguments[0])
    if origin is Literal:
        return f"one of {', '.join(map(format_value, arguments))}"
    if origin in (tuple, list):
        return f"list of {_type_words(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "tables"
    if origin is dict:
        return "table of names" if arguments[1] is str else "table of lists"
    return _TYPES.get(annotation, "value")


def _first_paragraph(docstring: str | None) -> str:
    return " ".join((docstring or "").partition("\n\n")[0].split())


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
