# SPDX-License-Identifier: Apache-2.0
"""A registry on this machine that answers as an attacker would: files without an end, or folders without one."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FILE = b"flavors: {}\n"
LOCATION = "mlflow-artifacts:/m"
VERSION = {"name": "credit", "version": "7", "source": LOCATION, "run_id": "", "status": "READY", "tags": []}


@dataclass
class HostileRegistry:
    """One version, `models:/credit/7`. `mode` says how its files are answered; `asked` are the paths asked for."""

    url: str
    mode: str = "plain"
    workspace: str = "default"
    asked: list[str] = field(default_factory=list)

    def fetched(self) -> list[str]:
        """What was asked for of its files, lists included."""
        return [path for path in self.asked if "/mlflow-artifacts/" in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: HostileRegistry
    ended: threading.Event

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        url = urllib.parse.urlparse(self.path)
        self.registry.asked.append(self.path)
        if url.path.endswith("registered-models/get"):
            model = {"name": "credit", "creation_timestamp": 1, "workspace": self.registry.workspace, "tags": []}
            self._answer({"registered_model": model})
        elif url.path.endswith("model-versions/get"):
            self._answer({"model_version": VERSION})
        elif url.path.endswith("get-download-uri"):
            self._answer({"artifact_uri": LOCATION})
        elif url.path.endswith("/mlflow-artifacts/artifacts"):
            folder = dict(urllib.parse.parse_qsl(url.query)).get("path", "")
            self._answer({"files": self._files(folder)})
        elif "/mlflow-artifacts/artifacts/" in url.path:
            self._file()
        else:
            self._answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, 404)

    def _files(self, folder: str) -> list[dict[str, Any]]:
        if self.registry.mode == "deep":
            return [{"path": "d", "is_dir": True}]
        if self.registry.mode == "many":
            return [{"path": f"f{number}", "is_dir": False, "file_size": 1} for number in range(2_000)]
        return [] if folder != "m" else [{"path": "MLmodel", "is_dir": False, "file_size": len(FILE)}]

    def _file(self) -> None:
        self.send_response(200)
        if self.registry.mode not in {"endless", "slow"}:
            self.send_header("Content-Length", str(len(FILE)))
            self.end_headers()
            self.wfile.write(FILE)
            return
        self.close_connection = True
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                self.wfile.write(b"x" * (65536 if self.registry.mode == "endless" else 1))
                if self.registry.mode == "slow":
                    self.ended.wait(1)

    def _answer(self, value: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)


@contextlib.contextmanager
def hostile_registry() -> Iterator[HostileRegistry]:
    """Starts it on a free port, and ends it."""
    ended = threading.Event()
    handler = type("Handler", (_Handler,), {"ended": ended})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    registry = HostileRegistry(f"http://127.0.0.1:{server.server_port}")
    handler.registry = registry  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
