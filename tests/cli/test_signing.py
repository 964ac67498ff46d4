# SPDX-License-Identifier: Apache-2.0
"""Which keys sign, and where a passphrase comes from."""

from __future__ import annotations

import argparse
import getpass
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from qaqpa.cli.signing import add_key_arguments, signers_of
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import SigningKey, new_key, write_key

SECRET = b"correct horse"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def keys_of(*arguments: str | Path) -> list[SigningKey]:
    parser = argparse.ArgumentParser()
    add_key_arguments(parser)
    return signers_of(parser.parse_args([str(argument) for argument in arguments]))


def key(path: Path, passphrase: bytes | None = None, kind: str = "ed25519") -> Path:
    write_key(path, new_key(kind), passphrase, "")
    return path


def secret(path: Path, content: bytes = SECRET) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal on which somebody types the passphrase; the questions that were asked."""
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return SECRET.decode()

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", answer)
    return questions


def test_no_key_signs_nothing() -> None:
    assert keys_of() == []


def test_keys_sign_in_the_order_in_which_they_were_named(here: Path) -> None:
    first, second = key(here / "b"), key(here / "a", kind="p256")
    signing = keys_of("--key", first, "--key", second)
    assert [one.key_id for one in signing] == [keys_of("--key", path)[0].key_id for path in (first, second)]
    assert keys_of() == [], "one command's keys are not another's"


def test_the_same_key_twice_is_refused(here: Path) -> None:
    path = key(here / "key")
    (here / "copy").write_bytes(path.read_bytes())
    (here / "copy").chmod(0o600)
    with pytest.raises(UsageError, match="named twice"):
        keys_of("--key", path, "--key", here / "copy")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_file_opens_all_encrypted_keys(here: Path, end: bytes) -> None:
    paths = key(here / "a", SECRET), key(here / "b", SECRET, "p256"), key(here / "c")
    named = [part for path in paths for part in ("--key", path)]
    assert len(keys_of(*named, "--passphrase-file", secret(here / "secret", SECRET + end))) == 3


def test_a_passphrase_may_come_through_a_pipe(here: Path) -> None:
    os.mkfifo(here / "pipe", 0o600)
    threading.Thread(target=(here / "pipe").write_bytes, args=(SECRET,), daemon=True).start()
    assert keys_of("--key", key(here / "key", SECRET), "--passphrase-file", here / "pipe")


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 2000])
def test_a_file_without_a_passphrase_is_refused(here: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="holds no passphrase"):
        keys_of("--key", key(here / "key", SECRET), "--passphrase-file", secret(here / "secret", content))


def test_a_wrong_passphrase_is_refused_and_shown_nowhere(here: Path) -> None:
    with pytest.raises(UsageError, match="does not open") as caught:
        keys_of("--key", key(here / "key", SECRET), "--passphrase-file", secret(here / "secret", b"hunter2"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["none", "."])
def test_a_passphrase_file_that_cannot_be_read_is_refused(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        keys_of("--key", key(here / "key", SECRET), "--passphrase-file", here / name)


def test_a_passphrase_is_asked_for_only_where_the_key_is_encrypted(here: Path, terminal: list[str]) -> None:
    keys_of("--key", key(here / "open"))
    assert terminal == []
    keys_of("--key", key(here / "locked\x1b[31m", SECRET))
    assert len(terminal) == 1
    assert "locked\\u001b[31m" in terminal[0]


def test_without_a_terminal_nobody_is_asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET.decode()}\n"))
    with pytest.raises(UsageError, match="--passphrase-file"):
        keys_of("--key", key(here / "key", SECRET))


def test_no_passphrase_is_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        keys_of("--passphrase", "x", "y")
    assert "x" not in capsys.readouterr().out
