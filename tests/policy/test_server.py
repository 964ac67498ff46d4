# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import gzip
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UndecidedError
from qaqpa.gate import decide
from qaqpa.model import Answer
from qaqpa.policy.bundle import Catalog
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.samples import samples
from qaqpa.policy.server import ConfirmedEngine, OpaServerEngine
from support.opa import opa_server, snapshot
from support.servers import free_port
from support.statements import request

pytest.importorskip("opa_client")

DIGEST = "ab" * 32
SOUND = {"result": {"verdict": "deny"}, "provenance": {"bundles": {"b": {"revision": DIGEST}}}}


class Fake(BaseHTTPRequestHandler):
    """Answers with what the test put into `answers`, the last one for ever."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, bytes, dict[str, str]]]
    seen: list[tuple[str, dict[str, str], Any]]
    connections: set[Any]
    pause = 0.0
    trickle = False
    hang_up = False

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append((self.path, dict(self.headers), body))
        type(self).connections.add(self.client_address)
        status, content, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        time.sleep(self.pause)
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(content), 1 if self.trickle else max(len(content), 1)):
                self.wfile.write(content[start : start + (1 if self.trickle else len(content))])
                self.wfile.flush()
                time.sleep(0.05 if self.trickle else 0)
        # Without having said so: the client believes that it may go on.
        self.close_connection = self.close_connection or self.hang_up

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[type[Fake]]:
    handler = type("Handler", (Fake,), {"answers": [], "seen": [], "connections": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"  # type: ignore[attr-defined]  # for the test to read
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield handler
    server.shutdown()
    server.server_close()


def answer(content: Any = SOUND, status: int = 200, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return status, raw, headers


def engine(fake: Any, **options: Any) -> OpaServerEngine:
    chosen = {"policy_digest": DIGEST, "catalog": Catalog({}, {}, {}), "timeout_seconds": 1.0, **options}
    return OpaServerEngine(fake if isinstance(fake, str) else fake.url, **chosen)


def test_sound_answer_counts_and_the_question_is_strict(fake: type[Fake]) -> None:
    fake.answers = [answer()]
    got = engine(fake).evaluate({"x": 1})
    assert got.document == {"verdict": "deny"}
    assert got.policy_digest == DIGEST
    path, _, body = fake.seen[0]
    assert path.startswith("/v1/data/qaqpa/gate/decision?")
    assert "strict-builtin-errors=true" in path
    assert "provenance=true" in path
    assert body == {"input": {"x": 1}}


@pytest.mark.parametrize(
    ("said", "version"),
    [("1.10.1", "1.10.1"), ("1.9.0-dev+x", "1.9.0-dev+x"), ("\x1b[31m", "unknown"), (None, "unknown")],
)
def test_the_version_of_the_server_is_told_where_it_looks_like_one(
    fake: type[Fake], said: str | None, version: str
) -> None:
    fake.answers = [answer({**SOUND, "provenance": {**SOUND["provenance"], "version": said}})]
    assert engine(fake).evaluate({}).versions == {"opa": version}


def test_connection_is_used_again(fake: type[Fake]) -> None:
    fake.answers = [answer()]
    asked = engine(fake)
    for _ in range(5):
        asked.evaluate({})
    assert len(fake.connections) == 1


BROKEN: dict[str, tuple[str, Any]] = {
    "undefined": ("rule is undefined", answer({"provenance": SOUND["provenance"]})),
    "no provenance": ("other policies", answer({"result": {}})),
    "odd provenance": ("other policies", answer({"result": {}, "provenance": {"bundles": [1]}})),
    "other bundle": (
        "cdcd.*Required: a bundle of",
        answer({**SOUND, "provenance": {"bundles": {"b": {"revision": "cdcd"}}}}),
    ),
    "half a document": ("gave no answer", answer(json.dumps(SOUND).encode()[:-10])),
    "cut short": ("gave no answer", answer(json.dumps(SOUND).encode(), **{"Content-Length": "9999"})),
    "not json": ("gave no answer", answer(b"<html>")),
    "not an object": ("not an object", answer([SOUND])),
    "too large": ("too large", answer(b'{"result": "' + b"x" * 10_000_000 + b'"}')),
    "compressed": (
        "is compressed",
        answer(gzip.compress(b"0" * 50_000_000), **{"Content-Encoding": "gzip"}),
    ),
    "redirect": ("redirects", answer(b"", 307, Location="http://127.0.0.1:1/")),
    "not allowed": ("answered 401", answer({"code": "unauthorized", "message": "no"}, 401)),
    "bad gateway": ("answered 502", answer(b"", 502)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answer_is_undecided(fake: type[Fake], name: str) -> None:
    why, content = BROKEN[name]
    fake.answers = [content]
    with pytest.raises(UndecidedError, match=why):
        engine(fake, timeout_seconds=3.0).evaluate({})


def test_error_of_a_rule_is_told_with_its_place_and_not_asked_again(fake: type[Fake]) -> None:
    place = {"file": "policies/a.rego", "row": 7, "col": 3}
    fake.answers = [answer({"errors": [{"code": "eval_builtin_error", "message": "m", "location": place}]}, 500)]
    with pytest.raises(UndecidedError, match=r"answered 500 eval_builtin_error at policies/a\.rego:7: m"):
        engine(fake).evaluate({})
    assert len(fake.seen) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_trouble_is_asked_again(fake: type[Fake], status: int) -> None:
    fake.answers = [answer(b"", status), answer(b"", status), answer()]
    assert engine(fake).evaluate({}).document == {"verdict": "deny"}
    assert len(fake.seen) == 3


def test_number_of_attempts_is_bounded(fake: type[Fake]) -> None:
    fake.answers = [answer(b"", 503)]
    with pytest.raises(UndecidedError, match="answered 503"):
        engine(fake).evaluate({})
    assert len(fake.seen) == 3


@pytest.mark.parametrize("kind", ["pause", "trickle"])
def test_slow_server_is_undecided_within_the_deadline(fake: type[Fake], kind: str) -> None:
    fake.answers = [answer()]
    setattr(fake, kind, 3.0 if kind == "pause" else True)
    start = time.monotonic()
    with pytest.raises(UndecidedError, match="gave no answer"):
        engine(fake, timeout_seconds=0.4).evaluate({})
    assert time.monotonic() - start < 1.0


@contextlib.contextmanager
def listening(serve: Any) -> Iterator[str]:
    """The address of a socket at which a function serves each connection; its bytes are whatever it sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _headers_for_ever(connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X")
            time.sleep(0.02)


def _continue_for_ever(connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.02)


def _never(connection: socket.socket) -> None:
    with connection:
        time.sleep(5)


def _at_once(connection: socket.socket) -> None:
    connection.close()


@pytest.mark.parametrize(
    "serve", [_headers_for_ever, _continue_for_ever, _never, _at_once], ids=lambda serve: serve.__name__
)
def test_a_server_that_never_gets_to_an_answer_costs_no_thread_after_the_deadline(serve: Any) -> None:
    start = time.monotonic()
    with listening(serve) as url, pytest.raises(UndecidedError):
        engine(url, timeout_seconds=0.4).evaluate({})
    assert time.monotonic() - start < 1.0
    until = time.monotonic() + 2
    while any(thread.name == "qaqpa-opa" for thread in threading.enumerate()):
        assert time.monotonic() < until, "a thread still waits for the server"
        time.sleep(0.01)


def test_a_connection_that_was_cut_between_two_decisions_is_opened_again(fake: type[Fake]) -> None:
    fake.answers = [answer()]
    fake.hang_up = True
    asked = engine(fake)
    for _ in range(5):
        assert asked.evaluate({}).document == {"verdict": "deny"}
    assert len(fake.connections) == 5


def test_after_a_deadline_the_next_decision_is_made(fake: type[Fake]) -> None:
    fake.answers = [answer()]
    asked = engine(fake, timeout_seconds=0.4)
    fake.pause = 2.0
    with pytest.raises(UndecidedError):
        asked.evaluate({})
    fake.pause = 0.0
    assert asked.evaluate({}).document == {"verdict": "deny"}


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("524980b7-dcf0-4b15-8250-8224435a766c", "524980b7-dcf0-4b15-8250-8224435a766c"),
        ("mine_1.2", "mine_1.2"),
        ("\x1b[31m", ""),
        ("a b", ""),
        ("a\n", ""),
        ("x" * 65, ""),
        (7, ""),
        (None, ""),
    ],
)
def test_the_decision_s_id_is_taken_where_it_looks_like_one(fake: type[Fake], said: Any, taken: str) -> None:
    fake.answers = [answer({**SOUND, "decision_id": said})]
    assert engine(fake).evaluate({}).decision_id == taken


def test_an_answer_that_is_not_sound_keeps_its_id(fake: type[Fake]) -> None:
    fake.answers = [answer({**SOUND, "decision_id": "abc"})]
    decision = decide(request(()), engine(fake))
    assert (decision.verdict.value, decision.decision_id) == ("undecided", "abc")


def test_server_that_is_down_is_undecided() -> None:
    start = time.monotonic()
    with pytest.raises(UndecidedError, match=r"cannot be reached.*qaqpa doctor"):
        engine(f"http://127.0.0.1:{free_port()}").evaluate({})
    assert time.monotonic() - start < 1.5


def test_proxy_of_the_environment_is_not_used(fake: type[Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    fake.answers = [answer()]
    assert engine(fake).evaluate({}).document == {"verdict": "deny"}


def test_token_is_read_again_for_every_decision(fake: type[Fake], tmp_path: Path) -> None:
    fake.answers = [answer()]
    token = tmp_path / "token"
    asked = engine(fake, token_file=str(token))
    with pytest.raises(UndecidedError, match="token cannot be read"):
        asked.evaluate({})
    for value in ("one", "two"):
        token.write_text(f"{value}\n")
        asked.evaluate({})
    assert [headers["Authorization"] for _, headers, _ in fake.seen] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    "url", ["", "localhost:8181", "ftp://a", "http://", "http://a/path", "http://user@a", "http://a:99999", "http://[a"]
)
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UndecidedError, match="not the address"):
        engine(url)


def test_missing_client_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "qaqpa.policy.transport", raising=False)
    monkeypatch.setitem(sys.modules, "opa_client", None)
    with pytest.raises(UndecidedError, match=r"pip install '\.\[opa\]' in its checkout"):
        engine("http://127.0.0.1:8181")


class Fixed:
    """An engine with one answer."""

    name = "fixed"
    catalog = Catalog({}, {}, {})

    def __init__(self, document: Any, policy_digest: str = DIGEST) -> None:
        self.policy_digest = policy_digest
        self._document = document
        self.asked = 0

    def evaluate(self, _document: Any) -> Answer:
        self.asked += 1
        return Answer(self._document, self.name, self.policy_digest)


ALLOW, DENY = {"verdict": "allow", "findings": [1]}, {"verdict": "deny"}


def test_allow_counts_when_both_engines_agree() -> None:
    assert ConfirmedEngine(Fixed(ALLOW), Fixed(dict(ALLOW))).evaluate({}).document == ALLOW


@pytest.mark.parametrize("other", [DENY, {**ALLOW, "findings": []}, None])
def test_allow_of_the_server_alone_is_undecided(other: Any) -> None:
    with pytest.raises(UndecidedError, match="decides otherwise"):
        ConfirmedEngine(Fixed(ALLOW), Fixed(other)).evaluate({})


@pytest.mark.parametrize("document", [DENY, None, "allow", {}])
def test_refusal_needs_no_confirmation(document: Any) -> None:
    embedded = Fixed(ALLOW)
    assert ConfirmedEngine(Fixed(document), embedded).evaluate({}).document == document
    assert embedded.asked == 0


def test_engines_with_different_policies_cannot_confirm_each_other() -> None:
    with pytest.raises(UndecidedError, match="different policies"):
        ConfirmedEngine(Fixed(ALLOW), Fixed(ALLOW, "00"))


@pytest.mark.opa
@pytest.mark.server
def test_real_server_with_our_bundle_is_accepted_and_one_with_another_is_not(tmp_path: Path) -> None:
    compiled = snapshot(tmp_path)[1]
    embedded = EmbeddedEngine.open(compiled)
    document = next(samples(sorted(embedded.catalog.profiles)))
    with opa_server(compiled / "bundle.tar.gz") as url:
        asked = engine(url, policy_digest=embedded.policy_digest, timeout_seconds=10.0)
        confirmed = ConfirmedEngine(asked, embedded).evaluate(document)
        assert confirmed.document == embedded.evaluate(document).document
        assert confirmed.versions["opa"][0].isdecimal()
        with pytest.raises(UndecidedError, match="other policies"):
            engine(url, timeout_seconds=10.0).evaluate(document)
