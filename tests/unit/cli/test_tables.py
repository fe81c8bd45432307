"""Tables of all commands look alike."""

from __future__ import annotations

import ast
from pathlib import Path

import tickstock_cli.cli

HOUSE = ("SIMPLE_HEAD", "None")


def test_every_table_is_drawn_with_the_lines_of_the_house() -> None:
    """One rule below the heading, or none: a table that does not say so gets rich's heavy boxes."""
    others = []
    for path in sorted(Path(tickstock_cli.cli.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Table":
                boxes = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "box"]
                if not boxes or not any(name in boxes[0] for name in HOUSE):
                    others.append(f"{path.name}:{node.lineno}")

    assert others == []
