# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from qaqpa.policy.differential import differing, opa_answers
from qaqpa.policy.interpreter import interpreter
from qaqpa.policy.opa import PolicyError
from support.opa import require_opa

pytestmark = [pytest.mark.opa, pytest.mark.server]

GATE = """\
package qaqpa.gate

decision := {"seen": input.n} if input.n > 0

decision := {"seen": "twice"} if input.n == 7
"""

# Answers as a server of OPA does, once: to its own /health first, then what the arguments say.
PRETENDER = f"""\
#!{sys.executable}
import http.server, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return ""
    def log_message(self, *_): pass
    def do_GET(self): self.say(200, b"{{}}")
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        ACTION
    def say(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
address = sys.argv[sys.argv.index("-a") + 1].removeprefix("unix://")
socketserver.UnixStreamServer(address, Handler).serve_forever()
"""


class NeverAsked:
    """An engine in whose place anything would be equal to nothing."""

    def evaluate(self, document: Any) -> Any:
        raise AssertionError(document)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    require_opa()
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "gate.rego").write_text(GATE)
    return folder


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    """Puts a program in the place of OPA that answers inputs with an action."""
    program = tmp_path / "opa"
    program.write_text(PRETENDER.replace("ACTION", action))
    program.chmod(0o755)
    monkeypatch.setenv("QAQPA_OPA", str(program))


def test_answers_come_in_the_order_of_the_inputs(policies: Path) -> None:
    numbers = [*range(1, 7), *range(8, 60), 3, 3]
    assert opa_answers(policies, [{"n": n} for n in numbers]) == [{"seen": n} for n in numbers]


def test_no_input_is_asked_about_nothing(policies: Path) -> None:
    assert opa_answers(policies, []) == []


def test_what_is_undefined_is_none(policies: Path) -> None:
    assert opa_answers(policies, [{"n": 1}, {"n": -1}, {}, None, 5, {"n": 2}]) == [
        {"seen": 1},
        None,
        None,
        None,
        None,
        {"seen": 2},
    ]


def test_builtin_that_fails_is_undefined_as_in_webassembly(policies: Path) -> None:
    (policies / "gate.rego").write_text('package qaqpa.gate\n\ndecision := {} if startswith(input.n, "a")\n')
    assert opa_answers(policies, [{"n": 5}, {"n": "ab"}]) == [None, {}]


def test_tests_of_the_policies_are_left_out(policies: Path) -> None:
    (policies / "gate_test.rego").write_text("package qaqpa.gate\n\ndecision := {} if input.n == 1\n")
    assert opa_answers(policies, [{"n": 1}]) == [{"seen": 1}]


def test_text_and_numbers_arrive_as_they_are(policies: Path) -> None:
    (policies / "gate.rego").write_text('package qaqpa.gate\n\ndecision := {"seen": input}\n')
    values = [9007199254740991, 0.1, 1e-7, "қақпа\U0001f512\u2028\x00", '"\\', [None, True, {"": ""}]]
    assert opa_answers(policies, values) == [{"seen": value} for value in values]


def test_conflict_between_rules_is_an_error_that_names_its_place(policies: Path) -> None:
    with pytest.raises(PolicyError, match=r"eval_conflict_error(.|\n)*gate\.rego"):
        opa_answers(policies, [*({"n": n} for n in range(1, 7)), {"n": 7}])


def test_policies_that_opa_refuses_are_an_error_that_names_their_place(policies: Path) -> None:
    (policies / "gate.rego").write_text("package qaqpa.gate\n\ndecision := {} if x > 1\n")
    with pytest.raises(PolicyError) as caught:
        opa_answers(policies, [{"n": 1}])
    assert caught.value.found == "policies/gate.rego:3: rego_unsafe_var_error: var x is unsafe"


def test_server_that_is_killed_is_an_error(policies: Path) -> None:
    with interpreter(policies) as opa:
        assert opa.answers([{"n": 1}]) == [{"seen": 1}]
        opa.process.kill()
        opa.process.wait()
        with pytest.raises(PolicyError, match="did not answer an input and ended with -9"):
            opa.answers([{"n": 1}])


def test_server_ends_with_its_use_and_leaves_nothing(policies: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with interpreter(policies) as opa:
        assert opa.process.poll() is None
        assert list(tmp_path.glob("qaqpa-*"))
    assert opa.process.poll() is not None
    assert list(tmp_path.glob("qaqpa-*")) == []


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("import os; os._exit(3)", "ended with 3"),
        ("self.connection.close()", "did not answer an input"),
        ('self.say(500, b"{}")', "500 {}"),
        ('self.say(200, b"[]")', r"200 \[\]"),
        ('self.say(200, b"{")', "200 {"),
        ('self.say(200, b"")', "did not answer an input: 200"),
        ('self.say(302, b"{}")', "302"),
    ],
)
def test_server_that_dies_or_raves_is_never_equal(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, said: str
) -> None:
    pretend(tmp_path, monkeypatch, action)
    with pytest.raises(PolicyError, match=said):
        differing(policies, NeverAsked(), [{"n": 1}, {"n": 2}])  # type: ignore[arg-type]  # see there


def test_server_that_hangs_is_an_error(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr("qaqpa.policy.interpreter._ANSWER_SECONDS", 0.2)
    with pytest.raises(PolicyError, match="did not answer an input: TimeoutError"):
        opa_answers(policies, [{"n": 1}])


def test_program_that_ends_at_once_is_an_error(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\necho no licence >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("QAQPA_OPA", str(program))
    with pytest.raises(PolicyError, match="opa run failed:\nno licence"):
        opa_answers(policies, [{"n": 1}])


def test_server_that_never_gets_ready_is_an_error(
    policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("QAQPA_OPA", str(program))
    monkeypatch.setattr("qaqpa.policy.interpreter._READY_SECONDS", 0.2)
    with pytest.raises(PolicyError, match="did not load the policies"):
        opa_answers(policies, [{"n": 1}])
