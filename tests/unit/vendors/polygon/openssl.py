"""Tests whose certificates are made by the command openssl."""

from __future__ import annotations

from shutil import which

import pytest

NEEDS_OPENSSL = pytest.mark.skipif(
    which("openssl") is None, reason="the certificate is made with the command openssl, which is not installed"
)
