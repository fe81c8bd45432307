"""Names of columns that users write: ours=theirs."""

from __future__ import annotations

from collections.abc import Sequence

from tickstock_cli.errors import UsageError


def parse_maps(texts: Sequence[str]) -> dict[str, str]:
    """Read every ``--map ours=theirs``.

    Raises
    ------
    UsageError
        A text is not of this form, or a column of ours is mapped twice.
    """
    columns: dict[str, str] = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not (ours and equals):
            raise UsageError(f"--map {text}: write ours=theirs, as in price=last")
        if columns.get(ours, theirs) != theirs:
            raise UsageError(f"--map {text}: {ours} is mapped to {columns[ours] or 'nothing'} already; map it once")
        columns[ours] = theirs
    return columns
