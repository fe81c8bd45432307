"""Sides and their turns, on trees that do nothing but start: what the gate does, not what this version costs."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tickstock_cli.errors import UsageError
from tickstock_cli.perf.gate import run_gate
from tickstock_cli.perf.measuring import Plan, check_benchmarks
from tickstock_cli.perf.recording import Prepared, Size
from tickstock_cli.perf.sides import KEPT, Side, revision

NO_PATH = Path()
NOTHING = Prepared(
    NO_PATH, NO_PATH, NO_PATH, NO_PATH, NO_PATH, NO_PATH, NO_PATH, NO_PATH, NO_PATH, 0, 0, 1.0, 0, 0, 1.0, ""
)
STARTS = Plan(NOTHING, Size(0, 0, 1, 0.0), 1, ("startup",))


def tree(folder: Path, program: str) -> Path:
    """Make a tree whose program is this."""
    package = folder / "tickstock_cli"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(program)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, whatever the user's settings."""
    name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *name, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit, and a cache of its own."""
    monkeypatch.setenv("TICKSTOCK_PERF_CACHE", str(tmp_path / "cache"))
    folder = tree(tmp_path / "checkout", "first")
    git(folder, "init", "-q")
    commit(folder, "first")
    return folder


def commit(folder: Path, program: str) -> str:
    """Commit another program, and return the commit."""
    tree(folder, program)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", program)
    return git(folder, "rev-parse", "HEAD")


def test_a_side_that_takes_longer_in_every_round_is_worse_after_as_many_rounds_again(tmp_path: Path) -> None:
    """A tenth of a second of work against next to none: looked at twice, in turns, the base twice in each round."""
    base = Side("base", tree(tmp_path / "base", ""))
    slow = Side("slow", tree(tmp_path / "slow", "import time\nwhile time.process_time() < 0.1: pass\n"))
    told: list[str] = []

    comparison, samples = run_gate(base, slow, STARTS, lambda step, detail: told.append(f"{step}: {detail}"))

    assert comparison.failed
    assert {label: len(benchmarks["startup"]) for label, benchmarks in samples.items()} == dict.fromkeys(samples, 2)
    assert list(samples) == ["base", "base again", "head"]
    assert told == [
        "round 1 of 1: startup",
        "looks worse: startup; measuring as often again: ",
        "round 2 of 2: startup",
    ]


def test_a_revision_is_the_tree_as_it_was_committed(checkout: Path) -> None:
    """By any name that git knows; whatever the checkout holds by now, and without a trace in it."""
    first = git(checkout, "rev-parse", "HEAD")
    commit(checkout, "second")
    (checkout / "tickstock_cli" / "__main__.py").write_text("not committed")

    side = revision("HEAD~1", checkout)

    assert (side.root / "tickstock_cli" / "__main__.py").read_text() == "first"
    assert side.label == f"HEAD~1 ({first[:9]})"
    assert revision(first, checkout).root == side.root
    assert git(checkout, "worktree", "list").count("\n") == 0
    assert [path.name for path in side.root.parent.iterdir()] == [first]


def test_only_the_latest_revisions_are_kept(checkout: Path) -> None:
    """A year of pull requests must not fill a runner's disk; what was used last stays."""
    commits = [commit(checkout, f"number {number}") for number in range(KEPT + 2)]
    for age, name in enumerate(commits[:KEPT]):
        os.utime(revision(name, checkout).root, ns=(age, age))

    revision(commits[0], checkout)  # the oldest, in use again
    folder = revision(commits[-1], checkout).root.parent

    assert {path.name for path in folder.iterdir()} == {commits[0], *commits[2:KEPT], commits[-1]}


def test_two_runs_of_one_revision_do_not_share_a_folder(checkout: Path) -> None:
    """Jobs on one runner share the cache: whoever is second takes what the first has made, and nothing is left over."""
    with ThreadPoolExecutor(4) as pool:
        roots = {side.root for side in pool.map(lambda _: revision("HEAD", checkout), range(4))}

    (root,) = roots
    assert (root / "tickstock_cli" / "__main__.py").read_text() == "first"
    assert list(root.parent.iterdir()) == [root]


@pytest.mark.parametrize("name", ["no-such-revision", "--all", ""])
def test_an_unknown_revision_is_an_error_of_one_line(checkout: Path, name: str) -> None:
    """What, and what to do."""
    with pytest.raises(UsageError, match=r"is no revision of .*, no file and no baseline; fetch it first"):
        revision(name, checkout)


def test_a_revision_without_the_package_is_an_error(checkout: Path) -> None:
    """Its benchmarks would die of an import."""
    git(checkout, "rm", "-rqf", "tickstock_cli")
    (checkout / "README").touch()
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "elsewhere")

    with pytest.raises(UsageError, match="HEAD holds no tickstock_cli"):
        revision("HEAD", checkout)


def test_without_a_checkout_there_are_no_revisions(tmp_path: Path) -> None:
    """An installed package has no history."""
    with pytest.raises(UsageError, match="revisions are those of a checkout"):
        revision("HEAD", tmp_path)


def test_a_python_without_pytest_benchmark_says_so_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the command that installs it and the one that does without."""
    monkeypatch.setitem(sys.modules, "pytest_benchmark", None)

    with pytest.raises(UsageError, match=r"pip install 'tickstock\[perf\]', or leave it out: --only startup --only"):
        check_benchmarks(["startup", "micro"])
    check_benchmarks(["startup"])


def test_an_unknown_benchmark_is_an_error_with_the_known_ones() -> None:
    """Including the one that only baselines need."""
    with pytest.raises(UsageError, match=r"--only reply: there is no such benchmark; there are startup, .*, running"):
        check_benchmarks(["reply"])
