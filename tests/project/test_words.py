"""Rules for names and docstrings that a machine can check."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tickstock_cli

PACKAGE = Path(tickstock_cli.__file__).parent

RIDDLES = ("Give", "See", "Tell", "Hear")
"""First words that docstrings of the package do not have: "Return", "Read", "Write" and "Raise" are plainer."""

SAME_NAME: dict[str, str] = {}
"""Class names that are defined twice, each with the reason."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A class of the package."""

    place: str
    node: ast.ClassDef

    @property
    def methods(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The methods of the class, without those of its bases."""
        return (node for node in self.node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def trees() -> list[tuple[str, ast.Module]]:
    """Return the syntax tree of every module, with its path."""
    return [(str(path.relative_to(PACKAGE)), ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))]


@cache
def classes() -> list[Definition]:
    """Return all classes of the package."""
    return [
        Definition(f"{path}:{node.lineno}", node)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]


def extends_a_library(node: ast.ClassDef, known: list[Definition]) -> bool:
    """Return whether all bases of a class are those of libraries, which document its methods."""
    ours = {definition.node.name for definition in known}
    return bool(node.bases) and not any(ast.unparse(base).partition("[")[0] in ours for base in node.bases)


def test_a_class_name_is_defined_once() -> None:
    """One word has one meaning: a reader takes two classes of one name for the same class."""
    places: dict[str, list[str]] = defaultdict(list)
    for definition in classes():
        places[definition.node.name].append(definition.place)
    twice = {name: found for name, found in places.items() if len(found) > 1}

    assert {name: found for name, found in twice.items() if name not in SAME_NAME} == {}
    assert [name for name in SAME_NAME if name not in twice] == []


def test_docstrings_begin_with_plain_verbs() -> None:
    """A docstring says what a function returns, reads, writes or raises; it does not send the reader elsewhere."""
    riddles = [
        f"{path}: {text.splitlines()[0]}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
        and (text := ast.get_docstring(node)) is not None
        and text.split()[0].rstrip(",.:") in RIDDLES
    ]

    assert riddles == []


def test_a_public_method_without_a_docstring_has_a_documented_base() -> None:
    """A method without a docstring implements a documented one: another class documents a method of that name."""
    known = classes()
    documented = {
        method.name for definition in known for method in definition.methods if ast.get_docstring(method) is not None
    }
    bare = [
        f"{definition.place} {definition.node.name}.{method.name}"
        for definition in known
        for method in definition.methods
        if not method.name.startswith("_")
        and ast.get_docstring(method) is None
        and method.name not in documented
        and not extends_a_library(definition.node, known)
    ]

    assert bare == []


def test_numbers_before_nouns_are_worded_by_the_helper() -> None:
    """A count can be one: `counted` says "1 row", a plural that is written out says "1 rows"."""
    nouns = "rows|events|files|ticks|bars|tickers|trades|messages|clients|columns|cells|fills|signals|objects|dates"
    plural = re.compile(rf":,\}} ({nouns})\b")
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if plural.search(line)
    ]
    assert found == []
