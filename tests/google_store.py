"""A small Google Cloud Storage for tests: the part of its JSON API that Arrow's client uses, on the loopback interface.

It runs in a process of its own, because that client holds Python's lock while it waits for an answer. Objects are kept
in memory. An account is not asked for, as by the emulators that ``STORAGE_EMULATOR_HOST`` names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

import pytest

_OBJECTS = re.compile(r"/storage/v1/b/([^/]+)/o(?:/(.+))?")
_BUCKET = re.compile(r"/storage/v1/b/([^/]+)")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
_PUT = re.compile(r"/put/([^/]+)/(.+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class GoogleStore:
    """A running server, and what a test puts there."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = {"STORAGE_EMULATOR_HOST": self.endpoint}
        """The variables that let a command use the store."""

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object, and its bucket; its generation is a new one."""
        with urlopen(Request(f"{self.endpoint}/put/{bucket}/{key}", content), timeout=60) as answer:
            answer.read()


@contextmanager
def google_store() -> Iterator[GoogleStore]:
    """Run a server for the length of a context."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield GoogleStore(int(server.stdout.readline()))
        finally:
            server.kill()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleStore]:
    """Return a server, which the environment names."""
    with google_store() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        yield store


@dataclass
class _Objects:
    """What the server holds: buckets with their objects, generations of these, and uploads that are not complete."""

    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    generations: dict[tuple[str, str], int] = field(default_factory=dict)
    uploads: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.buckets.setdefault(bucket, {})[key] = content
        self.generations[bucket, key] = self.generations.get((bucket, key), 0) + 1

    def described(self, bucket: str, key: str) -> dict[str, Any]:
        """Return what the API tells of an object."""
        content = self.buckets[bucket][key]
        generation = str(self.generations[bucket, key])
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{key}/{generation}",
            "name": key,
            "bucket": bucket,
            "generation": generation,
            "metageneration": "1",
            "contentType": "application/octet-stream",
            "size": str(len(content)),
            "md5Hash": b64encode(md5(content, usedforsecurity=False).digest()).decode(),
            "etag": f"etag-{generation}",
            "timeCreated": "2026-01-05T12:00:00.000Z",
            "updated": "2026-01-05T12:00:00.000Z",
        }

    def listed(self, bucket: str, prefix: str, delimiter: str) -> dict[str, Any]:
        """Return the objects below a prefix; with a delimiter, folders in place of what is in them."""
        keys = sorted(key for key in self.buckets[bucket] if key.startswith(prefix))
        folders = {}
        if delimiter:
            deeper = [key for key in keys if delimiter in key[len(prefix) :]]
            folders = dict.fromkeys(prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter for key in deeper)
            keys = [key for key in keys if key not in deeper]
        items = [self.described(bucket, key) for key in keys]
        return {"kind": "storage#objects", "items": items, "prefixes": list(folders)}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: _Objects

    def log_message(self, *message: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Describe or send an object, list objects, describe a bucket."""
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if match := _OBJECTS.fullmatch(url.path.removeprefix("/download")):
            objects = self.store.buckets.get(match[1])
            key = None if match[2] is None else unquote(match[2])
            if objects is None or (key is not None and key not in objects):
                self._refuse()
            elif key is None:
                self._answer(self.store.listed(match[1], query.get("prefix", ""), query.get("delimiter", "")))
            elif query.get("alt") == "media":
                self._send(match[1], key)
            else:
                self._answer(self.store.described(match[1], key))
        elif (match := _BUCKET.fullmatch(url.path)) and match[1] in self.store.buckets:
            self._answer({"kind": "storage#bucket", "name": match[1], "id": match[1]})
        else:
            self._refuse()

    def do_POST(self) -> None:
        """Begin an upload; what a test puts is complete."""
        url = urlsplit(self.path)
        body = self._body()
        if put := _PUT.fullmatch(url.path):
            self.store.put(put[1], put[2], body)
            self._answer({})
            return
        match = _UPLOAD.fullmatch(url.path)
        if match is None or match[1] not in self.store.buckets:
            self._refuse()
            return
        number = str(len(self.store.uploads))
        self.store.uploads[number] = match[1], parse_qs(url.query)["name"][0], b""
        self._answer({}, headers={"Location": f"http://{self.headers['Host']}/upload/{number}"})

    def do_PUT(self) -> None:
        """Go on with an upload; the last part makes the object."""
        number = self.path.rpartition("/")[2]
        bucket, key, before = self.store.uploads[number]
        content = before + self._body()
        self.store.uploads[number] = bucket, key, content
        if self.headers.get("Content-Range", "").endswith("/*"):
            self._answer({}, status=308, headers={"Range": f"bytes=0-{len(content) - 1}"})
            return
        self.store.put(bucket, key, content)
        self._answer(self.store.described(bucket, key))

    def _send(self, bucket: str, key: str) -> None:
        content = self.store.buckets[bucket][key]
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        first = int(found[1]) if found else 0
        last = min(int(found[2]), len(content) - 1) if found and found[2] else len(content) - 1
        headers = {"x-goog-generation": str(self.store.generations[bucket, key])}
        if found:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._write(206 if found else 200, content[first : last + 1], headers)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, told: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(told).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _refuse(self) -> None:
        self._answer({"error": {"code": 404, "message": "there is nothing"}}, status=404)

    def _write(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _serve() -> None:
    """Serve until the standard input ends, which is when the tests do; print the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": _Objects()}))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
