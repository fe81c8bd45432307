"""An S3 server of its own for tests: moto's, in a process of its own on the loopback interface."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from pyarrow.fs import FileSelector, S3FileSystem

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
"""Ends with its input, and so with the process of the tests."""

_NUMBERS = itertools.count()


class ObjectServer:
    """A running server, and what a test puts there and finds there."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "wordless",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._files = S3FileSystem(
            endpoint_override=self.endpoint,
            access_key="tester",
            secret_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            allow_bucket_creation=True,
        )

    def new_bucket(self) -> str:
        """Return the name of a bucket that is new and empty."""
        name = f"bucket-{os.getpid()}-{next(_NUMBERS)}"
        self._files.create_dir(name)
        return name

    def put(self, place: str, content: bytes = b"") -> None:
        """Write an object, ``bucket/key``."""
        with self._files.open_output_stream(place, compression=None) as stream:
            stream.write(content)

    def put_file(self, place: str, path: Path) -> None:
        """Write an object with the content of a file."""
        self.put(place, path.read_bytes())

    def get(self, place: str) -> bytes:
        """Return the content of an object."""
        with self._files.open_input_stream(place, compression=None) as stream:
            content: Any = stream.read()
        return bytes(content)

    def keys(self, bucket: str) -> list[str]:
        """Return the keys of a bucket."""
        infos = self._files.get_file_info(FileSelector(bucket, recursive=True))
        return sorted(info.path.removeprefix(f"{bucket}/") for info in infos if info.is_file)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let the server know no account."""
        self._allowed(b"0")
        try:
            yield
        finally:
            self._allowed(b"inf")

    def _allowed(self, requests: bytes) -> None:
        where = f"{self.endpoint}/moto-api/reset-auth"
        with urlopen(Request(where, requests, {"Content-Type": "text/plain"}), timeout=60) as answer:
            answer.read()


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Run a server for the length of a context."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield ObjectServer(int(server.stdout.readline()))
        finally:
            server.kill()


@pytest.fixture(scope="session")
def objects() -> Iterator[ObjectServer]:
    """Return a server that runs as long as the tests of this process."""
    with object_server() as server:
        yield server


@pytest.fixture
def known(objects: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    """Return the server, which the environment names."""
    for name, value in objects.environment.items():
        monkeypatch.setenv(name, value)
    return objects
