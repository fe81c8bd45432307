"""Verification: which ways of replaying are tried, and what is found if one of them differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.review.conftest import SECOND, Write, at, write_records
from tickstock_cli import detectors
from tickstock_cli.errors import DataError
from tickstock_cli.replaying import BATCH_ROWS, Request
from tickstock_cli.review import variants
from tickstock_cli.review import verify as reviewing
from tickstock_cli.review.variants import Scope, plan
from tickstock_cli.review.verify import VariantResult, Verification, verify
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import Bar, FairValue, Record, Tick

START = at("10:00:00")
ROWS = 60


Reported = list[tuple[VariantResult, int]]
"""What is reported on the way: each variant's result, and how many variants there are."""


@pytest.fixture(autouse=True, scope="module")
def short_legs() -> Iterator[None]:
    """Pace for a moment only: how long it lasts proves nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variants, "PACED_SECONDS", 0.02)
        yield


def minute() -> list[Record]:
    """Return a minute of six tickers that rise, with a bar and a fair value among the ticks."""
    rows: list[Record] = [Tick(f"T{row % 6}", START + row * SECOND, 100.0 + row) for row in range(ROWS)]
    return [*rows, Bar("T0", START, 1.0, 2.0, 1.0, 2.0, 5.0), FairValue("T0", START, 99.0)]


@pytest.fixture
def recording(write: Write) -> Path:
    """Write that minute."""
    return write(minute())


def verified(recording: Path, reports: Reported | None = None) -> Verification:
    """Verify a recording, and keep what is reported on the way."""
    return verify(
        Request([recording]), lambda variant, variants: None if reports is None else reports.append((variant, variants))
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Verification, Reported]:
    """Verify the recording once for the tests that plant no bug."""
    reports: Reported = []
    return verified(write_records(minute(), tmp_path_factory.mktemp("verified") / "recording"), reports), reports


def test_every_variant_gives_the_same_digest(whole: tuple[Verification, Reported]) -> None:
    """Digest, ledger and file of every variant are those of the first."""
    verification, reports = whole

    assert verification.same
    assert {(variant.rows, variant.digest) for variant in verification.variants} == {
        (ROWS + 2, verification.variants[0].digest)
    }
    assert verification.variants[0].events > 0
    assert [variant for variant, _ in reports] == list(verification.variants)
    assert {variants for _, variants in reports} == {len(verification.variants)}


def test_the_variants_cover_every_option_of_a_run() -> None:
    """Batches, workers, speeds, pipelines, restarts: several of each."""
    tried = plan(rows=1_000_000, slice_rows=10_000, slice_span=3_600 * SECOND)

    assert len({variant.batch_rows for variant in tried}) >= 4
    assert len({variant.workers for variant in tried}) >= 3
    assert len({variant.speed for variant in tried}) >= 3
    assert {variant.pipeline for variant in tried} == set(PipelineName)
    assert len({variant.stop_after for variant in tried}) >= 3
    assert any(variant.resumed is not None and variant.resumed.workers != variant.workers for variant in tried)


def test_slow_variants_replay_a_part_of_a_large_recording() -> None:
    """Row by row and on a schedule; the plain way through the part is what they are held against."""
    tried = plan(rows=1_000_000, slice_rows=10_000, slice_span=3_600 * SECOND)
    slow = [variant for variant in tried if variant.speed is not None or variant.pipeline is not PipelineName.DIRECT]
    references = [next(variant for variant in tried if variant.scope is scope) for scope in Scope]

    assert {variant.scope for variant in slow} == {Scope.SLICE}
    assert [(variant.batch_rows, variant.workers, variant.speed) for variant in references] == [
        (BATCH_ROWS, 1, None)
    ] * 2


def test_a_small_recording_is_its_own_part() -> None:
    """All variants replay all of it, against one reference."""
    tried = plan(rows=5_000, slice_rows=5_000, slice_span=0)

    assert {variant.scope for variant in tried} == {Scope.WHOLE}
    assert len({replace(variant, name="") for variant in tried}) == len(tried)


def test_the_part_has_the_tickers_with_most_events(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more rows than asked for; the paced variants take as long as planned, whatever its span."""
    monkeypatch.setattr(reviewing, "SLICE_ROWS", 10)
    monkeypatch.setattr(reviewing, "SLICE_TICKERS", 2)
    verification = verified(recording)
    part = [variant for variant in verification.variants if variant.variant.scope is Scope.SLICE]

    assert verification.same
    assert verification.slice_words == "the 2 tickers with most events, up to 2024-06-12T14:00:25Z"
    assert {variant.rows for variant in part} == {10}
    assert len({variant.digest for variant in part}) == 1 != len({variant.digest for variant in verification.variants})


def test_stopped_variants_were_stopped_and_resumed(whole: tuple[Verification, Reported]) -> None:
    """Not only asked to: they say where, and it is neither the beginning nor the end."""
    stopped = [variant for variant in whole[0].variants if variant.variant.stop_after is not None]

    assert len(stopped) >= 3
    assert all(variant.stopped_at is not None and 0 < variant.stopped_at < ROWS for variant in stopped)


def planted(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    """Put a detector with a bug in the place of high/low."""
    monkeypatch.setitem(detectors.PARTS, "highlow", f"tests.unit.review.planted:{bug}")


def test_state_lost_between_batches_is_found(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Legs with other batches than the reference differ; each names counts, and the first event."""
    planted(monkeypatch, "Forgetful")
    verification = verify(Request([recording]), lambda *_: None, strategies=())
    failed = {variant.variant.name: variant for variant in verification.failed}
    row_by_row = failed["row by row, linear pipeline"]

    assert not verification.same
    assert "batches of 65,536" not in failed
    assert row_by_row.differs[0] == "events"
    assert row_by_row.differs[-1] == "backtest"
    assert any(words.startswith("coordinator.emitted ") for words in row_by_row.differs)
    assert row_by_row.difference is not None
    assert row_by_row.difference.status == "only_a"


def test_state_that_a_checkpoint_misses_is_found(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly the variants that were resumed differ."""
    planted(monkeypatch, "Hiding")
    verification = verified(recording)

    assert [variant.variant for variant in verification.failed] == [
        variant.variant for variant in verification.variants if variant.variant.stop_after is not None
    ]


def test_a_recording_that_grows_under_the_run_is_found(recording: Path, write: Write) -> None:
    """A live recorder that still writes: the ledger tells how many rows were read, and how many at first."""
    longer = write([Tick("T0", START + row * SECOND, 100.0) for row in range(ROWS + 5)], "longer")

    def grow(variant: VariantResult, variants: int) -> None:  # noqa: ARG001 - as verify calls it
        (longer / "tick.parquet").replace(recording / "tick.parquet") if variant.variant.workers == 3 else None

    verification = verify(Request([recording]), grow)

    assert "tick.processed 65, not 60" in verification.failed[0].differs


def test_there_must_be_something_to_verify(recording: Path) -> None:
    """Nothing replayed is nothing proved."""
    with pytest.raises(DataError, match="no row to verify; choose other paths, symbols or times"):
        verify(Request([recording], symbols=frozenset({"NONE"})), lambda variant, variants: None)  # noqa: ARG005
