"""Prints the digest of a seeded recording: ``python -m tests.differential.digest_of SEED ROWS``."""

from __future__ import annotations

import sys

from tests.differential.against import on_disk
from tests.oracle.random_cases import random_case


def digest_of(seed: int, rows: int) -> str:
    """Replay the recording of a seed and give its digest."""
    with on_disk(*random_case(seed, rows)) as recording:
        return recording.replayed().digest


if __name__ == "__main__":
    print(digest_of(*map(int, sys.argv[1:])))
