"""Outputs that become objects of a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.object_server import ObjectServer, known, objects
from tickstock_cli.engine.output_states import needs_other_name
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks.opening import path_of, shadow_target
from tickstock_cli.sinks.outputs import open_output

__all__ = ["known", "objects"]


def test_an_object_appears_when_its_output_is_committed(known: ObjectServer) -> None:
    """Not while it is written, nor when it is finished."""
    bucket = known.new_bucket()
    output = open_output(f"s3://{bucket}/events.jsonl")
    output.stream.write(b"one event")
    output.finish()
    assert known.keys(bucket) == []
    output.commit()
    assert known.get(f"{bucket}/events.jsonl") == b"one event"


def test_an_aborted_output_leaves_no_object(known: ObjectServer) -> None:
    """Also after `finish`, and called twice."""
    bucket = known.new_bucket()
    output = open_output(f"s3://{bucket}/events.jsonl")
    output.stream.write(b"one event")
    output.finish()
    output.abort()
    output.abort()
    assert known.keys(bucket) == []


def test_the_output_of_a_stopped_run_has_another_name(known: ObjectServer) -> None:
    """Whether an object would be replaced is not asked."""
    bucket = known.new_bucket()
    target = f"s3://{bucket}/events.jsonl"
    assert needs_other_name(path_of(target), keep_partial=False)
    output = open_output(target)
    output.stream.write(b"one event")
    assert output.commit_partial() == f"{target}.partial"
    assert known.keys(bucket) == ["events.jsonl.partial"]


def test_an_object_larger_than_a_part_of_an_upload_is_whole(known: ObjectServer) -> None:
    """Stores take such objects in parts, and show none of them before the last."""
    bucket = known.new_bucket()
    content = bytes(range(256)) * (24 << 12)
    output = open_output(f"s3://{bucket}/events.jsonl")
    output.stream.write(content)
    output.commit()
    assert known.get(f"{bucket}/events.jsonl") == content


@pytest.mark.parametrize("target", ["s3://archive", "s3://archive/runs/"])
def test_a_name_that_ends_as_a_folder_is_refused(target: str) -> None:
    """Nothing is asked of a store."""
    with pytest.raises(OutputError, match=r"it names a folder; name an object inside it$"):
        open_output(target)


def test_a_shadow_writes_beside_the_object() -> None:
    """Both slashes behind the scheme stay."""
    assert shadow_target("s3://archive/runs/events.jsonl") == "s3://archive/runs/events.shadow.jsonl"
    assert isinstance(path_of("s3://archive/events.jsonl"), Path)
