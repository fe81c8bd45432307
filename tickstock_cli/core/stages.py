"""The contracts of the parts that the engine drives. It knows these, never a concrete part."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Sink(Protocol):
    """Where events go. A sink raises when a write fails; success after a lost row is the worst bug here.

    A sink opens its temporary output when it is built, so that an unwritable place fails before any work.
    What it has written does not depend on how the rows were cut into ``write`` calls.
    """

    def write(self, events: pa.RecordBatch) -> None:
        """Take rows of the sink's schema, in output order. May block; may see an empty batch.

        Raises
        ------
        OutputError
            The rows could not be written; the sink can only be aborted.
        """

    def commit(self) -> None:
        """Make everything written durable and give it its final name. Nothing may follow.

        Raises
        ------
        OutputError
            The output could not be finished; what stood under its name before is untouched.
        """

    def abort(self) -> None:
        """Drop what was written. Idempotent; never raises; what stood under the name before is untouched."""
