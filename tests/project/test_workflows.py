"""What CI runs is what we say we support."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ci_tests_every_python_that_the_package_is_classified_for() -> None:
    """A version that nobody runs is a promise that nobody keeps."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    matrix = re.search(r"^ +python: \[(.*)\]$", workflow, re.M)

    assert matrix is not None
    assert re.findall(r'"(.*?)"', matrix[1]) == promised
    assert "macos" in workflow
