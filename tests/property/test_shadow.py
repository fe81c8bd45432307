"""A shadow tells what a run of its own would tell, and its run tells what it would without a shadow."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.against import Recording
from tests.oracle.random_cases import random_case
from tests.property.test_seeking import Client, seeks, times_of
from tickstock_cli.config.session_hours import SessionHoursSettings
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.clock import SystemClock
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import SECOND, settings_of

few_examples = settings(max_examples=settings().max_examples // 4)
fewest_examples = settings(max_examples=settings().max_examples // 10)
ROWS = 150
OF_THE_ROWS = ("recordings.", *(f"session.{name}" for name in SessionHoursSettings.model_fields))


def shadow_of(seed: int, main: dict[str, Any]) -> Settings:
    """Return the settings of another case, which read the same rows."""
    other = {key: value for key, value in random_case(seed + 1, 1)[1].items() if not key.startswith(OF_THE_ROWS)}
    same = {key: value for key, value in main.items() if key.startswith(OF_THE_ROWS)}
    return settings_of({"recordings.timestamp_unit": "ns", **same, **other})


def told(folder: Path, name: str) -> Counter[tuple[str, str, int]]:
    """Return the events of a file, by kind, ticker and timestamp."""
    return Counter(pl.read_parquet(folder / name).select("kind", "ticker", "timestamp").iter_rows())


def counted(folder: Path) -> dict[str, dict[str, int]]:
    """Count the events of both files side by side, kind by kind."""
    main, shadow = told(folder, "events.parquet"), told(folder, "events.shadow.parquet")
    sides = {"main": main - shadow, "shadow": shadow - main, "both": main & shadow}
    kinds = sorted({kind for kind, _, _ in [*main, *shadow]})
    return {
        kind: {side: sum(n for key, n in events.items() if key[0] == kind) for side, events in sides.items()}
        for kind in kinds
    }


def alone(recording: Recording, shadow: Settings) -> RunResult:
    """Replay the recording under the shadow's settings."""
    recording.settings = shadow
    return recording.replay()


@few_examples
@given(
    st.integers(0, 10_000),
    st.sampled_from(list(PipelineName)),
    st.sampled_from([None, 1e9]),
    st.sampled_from([1, 20, 1000]),
    st.integers(1, 3),
)
def test_a_shadow_tells_what_a_run_of_its_own_tells(
    seed: int, pipeline: PipelineName, speed: float | None, batch_rows: int, workers: int
) -> None:
    """Bytes of files, digest and ledger of both, in every pipeline; and the count side by side is that of the files."""
    rows, flat = random_case(seed, ROWS)
    shadow = shadow_of(seed, flat)
    with TemporaryDirectory() as folder:
        recording = Recording(rows, flat, Path(folder))
        if not recording.paths:
            return
        whole = recording.replayed()
        result = recording.replay(pipeline=pipeline, speed=speed, batch_rows=batch_rows, workers=workers, shadow=shadow)
        beside = {name: path.read_bytes() for name in whole.files if (path := Path(folder, name)).exists()}
        files = {path.name.replace(".shadow", ""): path.read_bytes() for path in Path(folder).glob("*.shadow.*")}
        by_kind = counted(Path(folder))
        single = alone(recording, shadow)

        assert (beside, result.digest, result.ledger.as_dict()) == (whole.files, whole.digest, whole.ledger)
        assert result.shadow is not None
        assert result.shadow.digest == single.digest
        assert result.shadow.ledger.as_dict() == single.ledger.as_dict()
        assert files == {name: Path(folder, name).read_bytes() for name in files}
        assert len(files) == 3
        assert result.shadow.by_kind == by_kind


@fewest_examples
@given(st.integers(0, 10_000), seeks, st.sampled_from(list(PipelineName)))
def test_seeks_change_nothing_for_a_shadow(seed: int, plan: list[tuple[int, int]], pipeline: PipelineName) -> None:
    """Back to a snapshot and on again: its events are told once, and counted once."""
    rows, flat = random_case(seed, ROWS)
    shadow = shadow_of(seed, flat)
    with TemporaryDirectory() as folder, TemporaryDirectory() as kept:
        recording = Recording(rows, flat, Path(folder))
        if not recording.paths:
            return
        whole = recording.replay(shadow=shadow).shadow
        control = Control(1e9)
        result = recording.replay(
            control=control,
            observer=Client(seeks=times_of(plan, *recording.span), control=control),
            snapshots=Snapshots(Path(kept), SystemClock(), spacing_ns=SECOND, most=4),
            speed=1e9,
            pipeline=pipeline,
            batch_rows=20,
            shadow=shadow,
        ).shadow

    assert whole is not None
    assert result is not None
    assert (result.digest, result.by_kind, result.own) == (whole.digest, whole.by_kind, whole.own)
    assert result.ledger.as_dict() == whole.ledger.as_dict()
