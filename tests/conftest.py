"""Options of the test run, and the profile under which hypothesis draws.

The normal run holds each seeded recording against one configuration of each kind, in rotation, and draws the same
examples every time. ``--deep`` holds every recording against every configuration and draws more examples of each
property. ``--cases N`` takes N seeded recordings; other than the default, it draws new examples.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

CASES = 40
EXAMPLES = 24
DEEP_EXAMPLES = 100
FREEZE, UNFREEZE = gc.freeze, gc.unfreeze


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tickstock")
    group.addoption("--cases", type=int, default=CASES, help=f"seeded recordings to compare (default {CASES})")
    group.addoption("--first-seed", type=int, default=0, help="seed of the first of them (default 0)")
    group.addoption("--deep", action="store_true", help="compare every recording in every configuration; draw more")
    group.addoption("--update-golden", action="store_true", help="write what the golden cases give now")


def pytest_configure(config: pytest.Config) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    usual = config.getoption("--cases") == CASES
    if usual:  # numbers from the source of whichever modules are loaded would make the draws differ between workers
        pytest.MonkeyPatch().setattr(providers, "_get_local_constants", lambda: providers._local_constants)
    settings.register_profile(
        "usual",
        max_examples=DEEP_EXAMPLES if config.getoption("--deep") else EXAMPLES,
        deadline=None,
        suppress_health_check=quiet,
        derandomize=usual,
        print_blob=True,
    )
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile("usual")
    # A shell that runs the tests in the background ignores Ctrl-C for them: commands would inherit that, and never end.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Each process of the tests would rewrite all of their assertions anew: ten seconds. The commands that tests start
    # would compile all of our modules at each start: a third of a second.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors: some tests wait, for a socket or a clock."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile every kernel once, before the workers of a parallel run would all do so at the same time."""
    parallel = getattr(session.config.option, "numprocesses", None)
    if parallel and not hasattr(session.config, "workerinput"):
        from tests.differential.against import compile_kernels

        compile_kernels()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put off the end of the process, which loses all output, for a test that has a longer limit of its own."""
    marker, stderr = item.get_closest_marker("timeout"), item.config.stash.get(fault_handler_stderr_fd_key, None)
    if marker is None or stderr is None:
        return
    usual, end = (float(item.config.getini(name)) for name in ("timeout", "faulthandler_timeout"))
    if marker.args[0] > usual:
        faulthandler.dump_traceback_later(end + marker.args[0] - usual, file=stderr, exit=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported out of all garbage collections: half a million objects, visited by every run of a system.

    A run then freezes nothing and collects what tests left behind, so that what they did not close is still found.
    """
    gc.collect()
    gc.freeze()
    gc.freeze = gc.unfreeze = lambda: None


@pytest.fixture
def freezing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test freeze objects, of which none is frozen before it."""
    monkeypatch.setattr(gc, "freeze", FREEZE)
    monkeypatch.setattr(gc, "unfreeze", UNFREEZE)
    UNFREEZE()
    yield
    FREEZE()


@pytest.fixture(scope="session")
def real_recordings() -> Path:
    """Return the folder of real recordings beside the project, or skip."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "real"
    if not folder.is_dir():
        pytest.skip("the real recordings are not part of the project: there is no ../shared/data/real here")
    return folder
