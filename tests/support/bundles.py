# SPDX-License-Identifier: Apache-2.0
"""Bundles for OPA servers, a web server that hands them out, and an OPA server that is configured as documented."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from qaqpa import times
from qaqpa.evidence.keys import FileKey, new_key
from qaqpa.policy.mask import MASK
from qaqpa.policy.signing import sign_bundle
from support.opa import require_opa
from support.servers import HOST, Running, free_port, running

if TYPE_CHECKING:
    from typing_extensions import Self


def signed(compiled: Path, out: Path, key: FileKey | None = None) -> tuple[bytes, str]:
    """A signed bundle of compiled policies, and the public key in PEM."""
    pem = sign_bundle(compiled, key or FileKey(new_key("p256")), out)
    return out.read_bytes(), pem


def changed(bundle: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """A bundle whose files went through a function from name and content; None leaves a file out."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(bundle)) as old,
        gzip.GzipFile(fileobj=target, mode="wb") as packed,
        tarfile.open(fileobj=packed, mode="w") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            content = change(member.name, file.read()) if file else None
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return target.getvalue()


class BundleServer:
    """Hands out one file by HTTPS, which a test can replace; `asked` counts."""

    def __init__(self, directory: Path) -> None:
        self.content = b""
        self.asked = 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                self.send_response(200 if owner.content else 404)
                self.send_header("Content-Length", str(len(owner.content)))
                self.end_headers()
                self.wfile.write(owner.content)

            def log_message(self, *_: object) -> None:
                pass

        self.ca = directory / "bundles-ca.pem"
        chain = directory / "bundles-chain.pem"
        _write_certificate(self.ca, chain)
        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def configured_opa(directory: Path, bundles: BundleServer, pem: str, port: int = 0) -> Iterator[Running]:
    """A real OPA server as the guide configures it: it loads one bundle, signed by one key, and masks its log."""
    port = port or free_port()
    configuration = _of_the_guide()
    configuration["services"]["policies"] = {"url": bundles.url, "tls": {"ca_cert": str(bundles.ca)}}
    # Seconds of a test.
    configuration["bundles"]["qaqpa"]["polling"] = {"min_delay_seconds": 0, "max_delay_seconds": 1}
    configuration["keys"]["qaqpa"]["key"] = pem
    file = directory / f"opa-{port}.json"
    file.write_text(json.dumps(configuration))
    url = f"http://{HOST}:{port}"
    options = ["--addr", f"{HOST}:{port}", "--config-file", str(file), "--log-format", "json"]
    command = [str(require_opa()), "run", "--server", "--skip-version-check", *options, str(MASK)]
    with running(command, directory, lambda: _answers(f"{url}/health"), {}, url) as server:
        yield server


def _of_the_guide() -> Any:
    """OPA's configuration as docs/guides/opa.md has it."""
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "opa.md"
    blocks = guide.read_text(encoding="utf-8").split("```yaml\n")[1:]
    (found,) = (block.partition("```")[0] for block in blocks if block.startswith("services:"))
    return yaml.safe_load(found)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _write_certificate(ca: Path, chain: Path) -> None:
    """A certificate for loopback that is its own authority, and the same with its key."""
    key, now = generate_private_key(SECP256R1()), times.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bundles")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca.write_bytes(certificate)
    chain.write_bytes(certificate + private)
