"""Connections to stores, and their errors in one line each.

Credentials are those that the vendors' libraries find: environment, profile, machine. None of them is ever shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from tickstock_cli.errors import DataError, TickstockError
from tickstock_cli.storage.names import ObjectName

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CONNECT_SECONDS = 10
SILENT_SECONDS = 15
"""A server that sends nothing for so long is asked again."""
ATTEMPTS = 3
RETRY_SECONDS = 15
"""Google's library begins no wait after so long.

Its waits are 1 to 2 s, 2 to 4 s, 4 to 8 s and so on, so that the last one begun within 15 s ends within 31 s. A
limit of 40 s would allow 104 s.
"""

_S3_ENDPOINT = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_S3_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
_GS_ENDPOINT = ("STORAGE_EMULATOR_HOST",)
_REMEDIES = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, to an account that may",
    "gs": "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS, for an account that may",
}
_SERVERS = {"s3": "check the network and AWS_ENDPOINT_URL", "gs": "check the network and the credentials"}

_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|Bucket '[^']*' not found")
_DENIED = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|EXPIRED_?TOKEN|UNRECOGNIZED_CLIENT|INVALID_CLIENT"
    r"|MISSING_AUTHENTICATION|HTTP status 40[13]\b|PERMISSION_DENIED|UNAUTHENTICATED",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"HTTP status 301\b|PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint")
_UNREACHED = re.compile(r"NETWORK_CONNECTION|REQUEST_TIMEOUT|UNAVAILABLE|curl", re.IGNORECASE)
_BUSY = re.compile(r"SLOW_DOWN|THROTTLING|SERVICE_UNAVAILABLE|HTTP status 50[0-9]\b")


def store_of(scheme: str, bucket: str) -> FileSystem:
    """Return the file system that a bucket is in. Raises OSError."""
    if scheme == "s3":
        return _s3(bucket, _environment(_S3_ENDPOINT), _environment(_S3_REGION))
    return _gs(_environment(_GS_ENDPOINT))


@cache
def _s3(bucket: str, endpoint: str | None, region: str | None) -> FileSystem:
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem, resolve_s3_region

    if endpoint is None and region is None:
        region = resolve_s3_region(bucket)
    return S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=SILENT_SECONDS,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


@cache
def _gs(endpoint: str | None) -> FileSystem:
    from pyarrow.fs import GcsFileSystem

    limit = timedelta(seconds=RETRY_SECONDS)
    if endpoint is None:
        return GcsFileSystem(retry_time_limit=limit)
    scheme, _, host = endpoint.rpartition("://")
    return GcsFileSystem(
        anonymous=True, endpoint_override=host.rstrip("/"), scheme=scheme or "http", retry_time_limit=limit
    )


def _environment(names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


@contextmanager
def asking(name: ObjectName, what: str = "read", error_class: type[TickstockError] = DataError) -> Iterator[None]:
    """Translate every error of a store into one line about an object."""
    try:
        yield
    except FileNotFoundError as error:
        missing = f"no such object: {name}" if what == "read" else f"cannot {what} {name}: there is no such bucket"
        raise error_class(missing) from error
    except (OSError, pa.ArrowException) as error:
        raise error_class(f"cannot {what} {name}: {_reason(str(error), name)}") from error


def has_bucket(store: FileSystem, bucket: str) -> bool:
    """Return whether a bucket is there, or may be: those who may read an object may not ask for its bucket."""
    try:
        return store.get_file_info(bucket).type.name == "Directory"
    except OSError:
        return True


def no_bucket(name: ObjectName) -> str:
    """Return the message for an object whose bucket is not there."""
    return f"cannot read {name}: there is no bucket {name.bucket}"


def is_denied(error: OSError) -> bool:
    """Return whether a store refuses an account."""
    return _DENIED.search(str(error)) is not None


def _reason(text: str, name: ObjectName) -> str:
    if _NO_BUCKET.search(text):
        return f"there is no bucket {name.bucket}"
    if "OAuth2" in text:
        return f"no credentials were found; {_REMEDIES[name.scheme]}"
    if _DENIED.search(text):
        return f"access is denied; {_REMEDIES[name.scheme]}"
    if _ELSEWHERE.search(text):
        return "its bucket is in another region; set AWS_REGION to that of the bucket, or leave it out"
    if _UNREACHED.search(text):
        return f"the server cannot be reached or does not answer; {_SERVERS[name.scheme]}"
    if _BUSY.search(text):
        return "the server is busy; try again later"
    first = (text.strip().splitlines() or ["unknown error"])[0]
    return re.sub(r" \(Request ID:.*", "", first)[:200].rstrip(".")
