from __future__ import annotations
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.reading import Allowance
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.stream import Stream

class SortedFiles:
    def __init__(self, options: ReadOptions) -> None:
        self._options = options
    def sorts(self, file: RecordingFile) -> bool:
        return False
    def stream(self, file: RecordingFile, symbols: SymbolTable, allowance: Allowance, rows: int, position: int) -> Stream:
        raise NotImplementedError
    def close(self) -> None: ...
