# SPDX-License-Identifier: Apache-2.0
"""A real https server with the pages that a test wants."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qaqpa.evidence.fetch import Fetcher
from support.attached import BYTES, LOOPBACK


class Site(BaseHTTPRequestHandler):
    """Serves what a test put at a path; counts what was asked for."""

    pages: dict[str, Callable[[Site], None]]
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host']}{self.path}")
        self.pages[self.path](self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Keeps quiet."""


Served = tuple[type[Site], str, Fetcher]
"""A site, its address, and a fetcher that trusts it and may ask 127.0.0.1."""


def page(status: int = 200, body: bytes = BYTES, **headers: str) -> Callable[[Site], None]:
    """What answers with a status, a body and headers, `_` for `-` in their names."""

    def answer(site: Site) -> None:
        site.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **named}.items():
            site.send_header(name, value)
        site.end_headers()
        site.wfile.write(body)
        site.close_connection = True

    return answer


def make_authority(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` and 127.0.0.1 that is its own authority, and its key."""
    now = datetime.now(timezone.utc)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem", folder / "key.pem"


@contextmanager
def served(authority: tuple[Path, Path]) -> Iterator[Served]:
    """A server that has one page, `/a.pdf`."""
    handler = type("Own", (Site,), {"pages": {"/a.pdf": page()}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    trusted = ssl.create_default_context(cafile=str(authority[0]))
    try:
        yield handler, f"https://127.0.0.1:{server.server_port}", Fetcher([LOOPBACK], trusted)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
