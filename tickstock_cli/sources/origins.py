from __future__ import annotations
from collections.abc import Sequence
from tickstock_cli.sources.recording_file import RecordingFile

class Origins:
    def __init__(self, files: Sequence[RecordingFile]) -> None:
        self._files = files
