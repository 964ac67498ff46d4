# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor --server`: MLflow with the gate, without it, and whatever else may answer."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import mlflow.server
import pytest
from mlflow.server import BACKEND_STORE_URI_ENV_VAR, handlers
from mlflow.server.constants import REGISTRY_STORE_URI_ENV_VAR
from werkzeug.serving import make_server

from qaqpa.cli.main import main
from qaqpa.mlflow.worker import this_worker
from qaqpa.policy.embedded import EmbeddedEngine
from support.operated import GATES, Operated
from support.servers import HOST, write_empty_database

Capture = pytest.CaptureFixture[str]
Asked = Callable[..., tuple[int, str]]
SECRET = "correct horse battery staple"  # pragma: allowlist secret


@pytest.fixture
def asked(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Asks a server: the exit code, and all that was printed on one line."""
    for name in ("USERNAME", "PASSWORD", "TOKEN", "INSECURE_TLS", "SERVER_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def ask(url: str, *more: str) -> tuple[int, str]:
        code = main(["doctor", "--server", url, *more])
        out, err = capsys.readouterr()
        return code, " ".join((out + err).split())

    return ask


@pytest.fixture
def empty_database(tmp_path: Path) -> Path:
    path = tmp_path / "empty" / "mlflow.db"
    path.parent.mkdir()
    write_empty_database(path)
    return path


@contextmanager
def _mlflow(database: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """MLflow's own application in this process."""
    monkeypatch.setenv(BACKEND_STORE_URI_ENV_VAR, database)
    monkeypatch.setenv(REGISTRY_STORE_URI_ENV_VAR, f"{prefix}{database}")
    for name in ("_tracking_store", "_model_registry_store"):
        monkeypatch.setattr(handlers, name, None)
    server = make_server(HOST, 0, mlflow.server.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_gate_that_refuses_is_healthy_and_one_that_is_closed_is_not(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked, engine: EmbeddedEngine
) -> None:
    operated = Operated(tmp_path, empty_database, monkeypatch)
    with _mlflow(operated.database, "qaqpa+", monkeypatch) as url:
        code, out = asked(f"{url}/")
        assert code == 0, out
        assert f"MLflow {mlflow.__version__}" in out
        assert "The gate refuses: a version without evidence lacks 23 requirements." in out
        assert f"policies {engine.policy_digest} (the same as here)" in out
        assert "parties: version 1" in out
        assert "WARNING: files in production are not frozen" in out
        assert len(operated.rows("decision")) == 1
        assert "decisions are kept: this one is row " in out
        assert f"1 worker answered: {this_worker()}; whether there are more cannot be told from here" in out

        code, out = asked(url, "--alias", "live")
        assert (code, "NOT GATED" in out) == (3, True)
        operated.configure("gates: 7\n")
        code, out = asked(url)
        assert (code, "STALE" in out, "qaqpa.yaml:2:8: " in out) == (4, True, True), out
        operated.configure(f"{GATES}observe:\n  - {{models: ['*'], until: 2026-01-01}}\n")
        assert asked(url)[0] == 0
        operated.parties_file.rename(tmp_path / "elsewhere.json")
        code, out = asked(url)
        assert (code, "NOT IN FORCE [parties_missing]" in out, "NOT WORKING" in out) == (4, True, True)
        (tmp_path / "elsewhere.json").rename(operated.parties_file)
        assert asked(url)[0] == 0
        operated.configure(f"{GATES}limits: {{refusals_per_minute: 1}}\n")
        asked(url)
        code, out = asked(url)
        assert (code, "too_many_refusals" in out) == (4, True)
    assert [found.name for found in operated.raw.search_registered_models()] == []


def test_a_closed_gate_is_told_from_none(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    operated = Operated(tmp_path, empty_database, monkeypatch)
    monkeypatch.setenv("QAQPA_START", "closed")
    with _mlflow(operated.database, "qaqpa+", monkeypatch) as url:
        code, out = asked(url)
    assert (code, "CLOSED: every promotion is refused. Taking out works." in out) == (4, True)


def test_a_server_without_the_gate_is_no_health(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    shutil.copy(empty_database, tmp_path)
    with _mlflow(f"sqlite:///{tmp_path}/mlflow.db", "", monkeypatch) as url:
        code, out = asked(url)
    assert code == 3
    assert "NO GATE" in out


def test_a_registry_whose_plugin_is_missing_is_closed_and_cannot_be_told(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    shutil.copy(empty_database, tmp_path)
    with _mlflow(f"sqlite:///{tmp_path}/mlflow.db", "missing+", monkeypatch) as url:
        code, out = asked(url)
    assert code == 4
    assert "CANNOT BE TOLD: the registry answers HTTP 400" in out


class _Canned(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        if self.path == "/version":
            self._answer(*server.version)
            return
        is_state = self.path.endswith("%40")
        self._answer(*(next(server.states, server.reading) if is_state else server.reading))

    def do_POST(self) -> None:
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        self._answer(*self.server.answer)  # type: ignore[attr-defined]

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def canned() -> Iterator[Any]:
    """A server that answers what a test wants."""
    server: Any = ThreadingHTTPServer((HOST, 0), _Canned)
    server.version, server.answer, server.seen = (200, b"3.17.2"), (200, {}), []
    server.reading, server.states = (403, b"Permission denied"), iter(())
    server.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


HEALTHY = {
    "verdict": "deny",
    "findings": [{"status": "fail"}],
    "problems": [],
    "server": {"policy": "ab", "parties": 1},
}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((403, {"qaqpa": HEALTHY}), 0, "lacks 1 requirements"),
        ((403, {"qaqpa": {**HEALTHY, "findings": []}}), 4, "NOT WORKING"),
        ((403, {"qaqpa": {**HEALTHY, "server": None}}), 4, "NOT WORKING"),
        ((403, {"qaqpa": {**HEALTHY, "verdict": "undecided", "problems": [{"code": "x\x1b"}]}}), 4, "x\\u001b"),
        ((403, {"qaqpa": {**HEALTHY, "problems": 7}}), 0, "lacks 1"),
        ((403, {"qaqpa": {**HEALTHY, "findings": "all"}}), 4, "NOT WORKING"),
        ((403, {"qaqpa": "deny"}), 4, "the login does not let"),
        ((403, b"Permission denied"), 4, "the login does not let"),
        ((401, b"You are not authenticated"), 4, "and none was given"),
        ((403, b"Invalid Host header - possible DNS rebinding attack detected"), 4, "--allowed-hosts"),
        ((404, b"no such page"), 4, "HTTP 404"),
        ((404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}), 3, "NO GATE"),
        ((200, {}), 3, "NO GATE"),
        ((500, b"\xff" * 100), 4, "HTTP 500"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), 4, "HTTP 302"),
        ((400, {"error_code": "A\nB", "message": "m" * 10_000}), 4, "A\\u000aB"),
        ((403, b"[" * 100_000), 4, "the login does not let"),
    ],
)
def test_each_answer_has_its_meaning(canned: Any, asked: Asked, answer: Any, code: int, said: str) -> None:
    canned.answer = answer
    found, out = asked(canned.url)
    assert (found, said in out) == (code, True), out


@pytest.mark.parametrize("version", [(404, b"nothing"), (200, b"<html>welcome</html>"), (200, b"")])
def test_what_is_no_mlflow_cannot_be_told_and_is_asked_nothing(canned: Any, asked: Asked, version: Any) -> None:
    canned.version = version
    code, out = asked(canned.url)
    assert (code, "does not answer as MLflow does" in out) == (4, True)
    assert canned.seen == []


SAYS = {**HEALTHY["server"], "kept": True, "configuration": "cd", "workers": 3}
REFUSED_TO_ASK = (403, b"Permission denied")


def _says(worker: str, **more: Any) -> Any:
    """What a worker answers who is asked for what is in force in it."""
    gate = {
        "verdict": "undecided",
        "problems": [{"code": "canary_state"}],
        "server": {**SAYS, "worker": worker, **more},
    }
    return 403, {"qaqpa": gate}


def test_whoever_may_set_no_alias_asks_by_reading(canned: Any, asked: Asked) -> None:
    canned.answer, canned.reading = REFUSED_TO_ASK, (403, {"qaqpa": {**HEALTHY, "server": SAYS}})
    code, out = asked(canned.url)
    assert (code, "asked by reading" in out, "lacks 1 requirements" in out) == (0, True, True)
    assert "this question left no row" in out
    canned.reading = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
    code, out = asked(canned.url)
    assert (code, "NO GATE" in out) == (3, True)


@pytest.mark.parametrize("reading", [REFUSED_TO_ASK, (200, {}), (404, b"no such page"), (500, b"")])
def test_whoever_may_not_even_read_is_told_which_account_is_needed(canned: Any, asked: Asked, reading: Any) -> None:
    canned.answer, canned.reading = REFUSED_TO_ASK, reading
    code, out = asked(canned.url)
    assert (code, "may read registered models (READ)" in out) == (4, True)


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        (["1@a", "2@a", "3@a"], 0, "3 workers of 3 answered: 1@a, 2@a, 3@a"),
        (["1@a", "2@a"], 0, "WARNING: 2 workers of 3 answered: 1@a, 2@a; ask again"),
        (["1@a", "2@a", "3@a", "7@b", "8@b", "9@b"], 0, "6 workers of 6 answered"),
    ],
)
def test_workers_are_asked_until_all_were_seen(
    canned: Any, asked: Asked, states: list[str], code: int, said: str
) -> None:
    canned.answer = (403, {"qaqpa": {**HEALTHY, "server": {**SAYS, "worker": states[-1]}}})
    canned.states = itertools.cycle([_says(worker) for worker in states])
    found, out = asked(canned.url)
    assert (found, said in out) == (code, True), out


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"configuration": "ef"}, "WORKERS DIFFER: the workers do not agree on configuration"),
        ({"reload_failed": True, "reload_problem": "qaqpa.yaml:2:8: x"}, "In worker 2@a: STALE: "),
        ({"closed": True}, "In worker 2@a: CLOSED: "),
        ({"parties_problem": "parties_expired"}, "In worker 2@a: NOT WORKING: "),
    ],
)
def test_one_worker_that_is_not_as_the_others_is_no_health(
    canned: Any, asked: Asked, other: dict[str, Any], said: str
) -> None:
    canned.answer = (403, {"qaqpa": {**HEALTHY, "server": {**SAYS, "worker": "1@a", "workers": 2}}})
    canned.states = itertools.cycle([_says("1@a", workers=2), _says("2@a", workers=2, **other)])
    code, out = asked(canned.url)
    assert (code, said in out) == (4, True), out


def test_a_gate_that_names_no_worker_was_seen_in_one_process_only(canned: Any, asked: Asked) -> None:
    canned.answer = (403, {"qaqpa": HEALTHY})
    code, out = asked(canned.url)
    assert (code, "WARNING: one worker answered" in out) == (0, True)


def test_decisions_are_not_said_to_be_kept_where_this_one_was_not(canned: Any, asked: Asked) -> None:
    lost = {**HEALTHY, "server": SAYS, "verdict": "undecided", "problems": [{"code": "log_unusable"}], "log": None}
    canned.answer = (403, {"qaqpa": lost})
    code, out = asked(canned.url)
    assert (code, "NOT KEPT now" in out, "decisions are kept" in out) == (4, True, False)
    canned.answer = (403, {"qaqpa": {**lost, "verdict": "deny", "problems": []}})
    assert asked(canned.url)[0] == 4


def test_a_wrong_password_is_told_from_none_and_from_no_mlflow(
    canned: Any, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    canned.version = (401, b"You are not authenticated.")
    assert "asks for a login (HTTP 401), and none was given" in asked(canned.url)[1]
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    assert "the login refuses name and password, or the token (HTTP 401)" in asked(canned.url)[1]


def test_a_server_that_is_down_cannot_be_told(asked: Asked) -> None:
    code, out = asked(f"http://{HOST}:9")
    assert (code, "CANNOT BE TOLD" in out) == (4, True)


def test_credentials_travel_and_are_never_shown(canned: Any, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    canned.answer = (401, {"error_code": "X"})
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    _, out = asked(canned.url)
    assert canned.seen[-1]["Authorization"] == f"Bearer {SECRET}"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "dana")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    _, again = asked(canned.url)
    assert canned.seen[-1]["Authorization"].startswith("Basic ")
    assert SECRET not in out + again
    assert canned.seen[-1]["Authorization"].partition(" ")[2] not in again


@pytest.mark.parametrize(
    "url",
    ["ftp://host", "host:5000", "http://", f"http://dana:{SECRET[:7]}@host", "http://host/?x=1", "http://host/#x"],
)
def test_what_is_no_address_is_refused_without_its_password(url: str, asked: Asked) -> None:
    code, out = asked(url)
    assert code == 2
    assert SECRET[:7] not in out


def test_credentials_over_an_open_wire_are_warned_of(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    _, out = asked("http://nowhere.invalid:5000")
    assert "the credentials travel unencrypted" in out
