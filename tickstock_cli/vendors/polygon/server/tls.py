"""TLS of the played vendor: a certificate of the user's, or one made for a host, be it the wrong one."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from pathlib import Path

from tickstock_cli.errors import ServingError
from tickstock_cli.vendors.polygon.server.fault_plan import Tls


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the context of a server with a certificate.

    Raises
    ------
    ServingError
        The certificate or its key cannot be read, or ``openssl`` is needed and cannot make one.
    """
    if tls.name is None:
        assert tls.certificate is not None
        assert tls.key is not None
        return _context(tls.certificate, tls.key)
    with tempfile.TemporaryDirectory(prefix="tickstock-tls-") as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        make_certificate(tls.name, certificate, key)
        return _context(certificate, key)


def make_certificate(name: str, certificate: Path, key: Path) -> None:
    """Write a certificate for a host that signs itself, valid for a day, and its key.

    Raises
    ------
    ServingError
        The command ``openssl`` is missing or fails.
    """
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    try:
        subprocess.run(
            [*made, *names, "-out", str(certificate), "-keyout", str(key)],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise ServingError(
            f"cannot make a certificate for {name}: there is no command openssl; give certificate and key"
        ) from error
    except subprocess.CalledProcessError as error:
        why = (error.stderr.decode(errors="replace").strip().splitlines() or ["it failed"])[-1]
        raise ServingError(f"cannot make a certificate for {name}: openssl says {why}") from error


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ServingError(f"cannot read the certificate {certificate} and its key {key}: {why}") from error
    return context
