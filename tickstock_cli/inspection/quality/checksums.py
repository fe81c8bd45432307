"""Page checksums of Parquet files: only with them, bits that have changed on disk are found when a file is read."""

from __future__ import annotations

from tickstock_cli.inspection.quality.aspects import Aspect, Measured, QualityFinding
from tickstock_cli.sources.footer import open_parquet
from tickstock_cli.sources.recording_file import RecordingFile

_HEADER_BYTES = 64
_COMPACT_I32 = 5
_CRC_FIELD = 4


class Checksums(Aspect):
    """Looks for a checksum in the header of a file's first page. Reading verifies checksums wherever they are."""

    def measured(self, file: RecordingFile) -> Measured:
        """Return whether the file's pages have checksums."""
        if not file.rows:
            return Measured()
        protected = has_page_checksums(file)
        text = "pages have checksums, and all are right" if protected else "pages have none"
        advice = None if protected else "changed bits can go unseen; pyarrow's write_page_checksum=True writes them"
        return Measured({"checksums": protected}, (QualityFinding("checksums", text, advice=advice),))


def has_page_checksums(file: RecordingFile) -> bool:
    """Return whether the header of the first page of a Parquet file has a checksum.

    References
    ----------
    ``PageHeader`` of parquet.thrift (fields: 1 type, 2 and 3 sizes, 4 crc), in Thrift's compact protocol.
    """
    with open_parquet(file.read_from) as parquet:
        chunk = parquet.metadata.row_group(0).column(0)
    first = chunk.dictionary_page_offset
    with file.read_from.open("rb") as opened:
        opened.seek(chunk.data_page_offset if first is None else min(first, chunk.data_page_offset))
        header = opened.read(_HEADER_BYTES)
    place = number = 0
    while place < len(header):
        delta, type_ = header[place] >> 4, header[place] & 15
        number += delta
        if not delta or type_ != _COMPACT_I32 or number >= _CRC_FIELD:
            return bool(delta) and type_ == _COMPACT_I32 and number == _CRC_FIELD
        place += 1
        while place < len(header) and header[place] & 128:
            place += 1
        place += 1
    return False
