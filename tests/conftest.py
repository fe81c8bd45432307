"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# Machines differ and share their cores: how long an example takes is no part of what a test says.
settings.register_profile("tickstock", deadline=None, print_blob=True)
settings.load_profile("tickstock")
