"""Collections of the objects that stay are put off, and only those."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tickstock_cli.core.garbage import LATE, collect_late, collected_seldom, no_gc


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the collector of the tests' process as it was."""
    thresholds, callbacks = gc.get_threshold(), [*gc.callbacks]
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks


def test_only_the_first_collection_of_a_command_is_late() -> None:
    """A long run collects at the usual rate, so that garbage does not pile up."""
    usual, callbacks = gc.get_threshold(), [*gc.callbacks]

    collect_late()
    assert gc.get_threshold() == (LATE, *usual[1:])

    gc.collect()
    assert gc.get_threshold() == usual
    assert gc.callbacks == callbacks


def test_a_live_run_leaves_the_usual_rate_behind() -> None:
    """The late first collection is that before its first row, not another one after its end."""
    usual = gc.get_threshold()
    collect_late()

    with collected_seldom():
        assert gc.get_threshold()[0] not in (LATE, usual[0])

    assert gc.get_threshold() == usual


def test_collections_pause_and_go_on_even_after_an_error() -> None:
    """Nothing is collected within; what fails there still enables it."""
    assert gc.isenabled()
    with no_gc():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="bad"), no_gc():
        raise ValueError("bad")
    assert gc.isenabled()


def test_who_has_no_collections_gets_none() -> None:
    """A program that has disabled them decides so itself."""
    gc.disable()
    try:
        with no_gc():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
