"""First bytes of files, which tell their format whatever their names."""

from __future__ import annotations

import re

PARQUET = b"PAR1"
ARROW_FILE = b"ARROW1"
GZIP = b"\x1f\x8b"
BZIP2 = b"BZh"
XZ = b"\xfd7zXZ\x00"
ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ERROR_PAGE = re.compile(rb"\s*<(?:\?xml|!doctype|html|error)", re.IGNORECASE)


def is_zip(head: bytes) -> bool:
    """Return whether data begin as those of a zip file do."""
    return head.startswith(_ZIP)


def is_error_page(head: bytes) -> bool:
    """Return whether data begin as a page does that a server sends instead of a file."""
    return _ERROR_PAGE.match(head) is not None
