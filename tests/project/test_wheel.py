"""What `pip install` brings: the README's first commands work without a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.running import run_tickstock
from tickstock_cli.kernels.machine_code import cache_folder

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "-qq", "--no-input", "--disable-pip-version-check")


BETWEEN = "<the next command>"
RUN_COMMANDS = f"""
import sys
from tickstock_cli.cli.main import run
for number, command in enumerate(sys.argv[1:]):
    sys.argv = ["tickstock", *command.split()]
    print({BETWEEN!r} * bool(number), end="", file=sys.stderr, flush=True)
    try:
        run()
    except SystemExit as ended:
        if ended.code:
            raise
"""
"""Runs commands in one interpreter, because a new one for each would take most of the time."""


def install_wheel(folder: Path) -> Path:
    """Build the wheel as a release does, install it into a folder of its own, and return that folder."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    installed = folder / "installed"
    subprocess.run([*PIP, "install", "--no-index", "--no-deps", "--target", installed, wheel], check=True)
    return installed


def test_the_first_commands_of_the_readme_work_after_an_installation(tmp_path: Path) -> None:
    """Nobody who installs a package has its repository's folders; the sample and its truth come along."""
    installed = install_wheel(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "tickstock").symlink_to(cache_folder() or empty)  # kernels of the same source need no compiling
    environment = {**os.environ, "PYTHONPATH": str(installed), "NUMBA_CACHE_DIR": str(tmp_path)}

    commands = ("replay sample_data --out events.parquet", "score events.parquet sample_data")
    result = subprocess.run(
        [sys.executable, "-c", RUN_COMMANDS, *commands], cwd=empty, env=environment, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
    sample = installed / "tickstock_cli" / "sample_data"
    note = f"note: there is no sample_data here; reading the one that tickstock brings, {sample}"
    replayed, scored = (told.splitlines() for told in result.stderr.split(BETWEEN))
    assert replayed.count(note) == scored.count(note) == 1
    digest = re.search(r"digest +([0-9a-f]{16})", (ROOT / "README.md").read_text())
    assert digest is not None
    assert digest[1] in result.stdout + result.stderr


def test_a_folder_of_that_name_comes_before_the_installed_sample(tmp_path: Path) -> None:
    """Whoever has a folder of this name means it, even if it holds nothing."""
    (tmp_path / "sample_data").mkdir()

    result = run_tickstock("inspect", "sample_data", folder=tmp_path)

    assert result.returncode == 3
    assert "note:" not in result.stderr
