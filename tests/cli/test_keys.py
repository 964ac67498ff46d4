# SPDX-License-Identifier: Apache-2.0
"""`qaqpa keys`."""

from __future__ import annotations

import getpass
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.errors import ExitCode
from qaqpa.evidence.keys import KINDS, fingerprint, load_signing_key, new_key, openssh, read_public_key, write_key
from support.servers import need

Capture = pytest.CaptureFixture[str]
SECRET = b"correct horse"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typing(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A terminal on which somebody types; what was not asked for stays in the list."""
    left = list(answers)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _question: left.pop(0))
    return left


def complaint(capsys: Capture, *arguments: str) -> str:
    assert main(["keys", *arguments]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == "" or "They differ" in out
    return err


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_key_is_what_ssh_keygen_says_it_is(here: Path, capsys: Capture, kind: str) -> None:
    need(shutil.which("ssh-keygen"), "ssh-keygen")
    assert main(["keys", "new", "me", "--type", kind, "--no-passphrase", "--comment", "auditor"]) == 0
    out = capsys.readouterr().out
    listed = subprocess.run(["ssh-keygen", "-l", "-f", "me"], check=True, capture_output=True, text=True, cwd=here)
    assert listed.stdout.split()[1] in out
    assert (here / "me.pub").read_text().strip() in out
    assert "A person's key: give the public line to whoever keeps the parties file" in out
    assert "The key of a gate: keep it out of the parties file" in out
    assert (here / "me").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" not in out


def test_a_key_is_encrypted_with_what_was_typed_twice(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typing(monkeypatch, "s3cret", "s3cret") == ["s3cret", "s3cret"]
    assert main(["keys", "new", "me"]) == 0
    asked = []
    # `append` returns nothing, so the passphrase is what is returned.
    load_signing_key(here / "me", lambda: asked.append(1) or b"s3cret")  # type: ignore[func-returns-value]
    assert asked


def test_what_was_typed_differently_or_empty_makes_no_key(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = typing(monkeypatch, "one", "two", "", "three", "four", "unasked")
    assert "--no-passphrase" in complaint(capsys, "new", "me")
    assert left == ["unasked"]
    assert not list(here.iterdir())


def test_a_key_is_encrypted_with_the_passphrase_of_a_file(here: Path) -> None:
    (here / "secret").write_bytes(SECRET + b"\n")
    (here / "secret").chmod(0o600)
    assert main(["keys", "new", "me", "--passphrase-file", "secret"]) == 0
    assert load_signing_key(here / "me", lambda: SECRET).key_id


def test_without_a_terminal_somebody_has_to_say_how_it_is_protected(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\ns3cret\n"))
    assert "--passphrase-file" in complaint(capsys, "new", "me")
    assert not list(here.iterdir())


def test_a_file_that_is_there_is_never_replaced(here: Path, capsys: Capture) -> None:
    (here / "me.pub").write_text("mine")
    assert "exists already" in complaint(capsys, "new", "me", "--no-passphrase")
    assert [path.name for path in here.iterdir()] == ["me.pub"]


def test_a_comment_adds_no_line(here: Path, capsys: Capture) -> None:
    assert "\\u000a" not in complaint(capsys, "new", "me", "--no-passphrase", "--comment", "a\nssh-ed25519 AAAA")
    assert not list(here.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_private_and_public_files_show_the_same_key(here: Path, capsys: Capture, kind: str) -> None:
    private = new_key(kind)
    write_key(here / "me", private, SECRET, "auditor")
    for paths in (["me"], ["me.pub"]):
        # Nobody is asked: standard input is no terminal.
        assert main(["keys", "show", *paths]) == 0
        out = capsys.readouterr().out
        assert fingerprint(private.public_key()) in out
        assert read_public_key((here / "me.pub").read_text()) == private.public_key()
        assert openssh(private.public_key()) in out


def test_several_keys_are_shown(here: Path, capsys: Capture) -> None:
    keys = {name: new_key("ed25519") for name in ("a", "b")}
    for name, private in keys.items():
        write_key(here / name, private, None, name)
    assert main(["keys", "show", "a", "b.pub"]) == 0
    out = capsys.readouterr().out
    assert all(fingerprint(private.public_key()) in out for private in keys.values())


def test_an_encrypted_key_alone_needs_its_passphrase(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = new_key("ed25519")
    write_key(here / "me", private, SECRET, "")
    (here / "me.pub").unlink()
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "--passphrase-file" in complaint(capsys, "show", "me")
    assert typing(monkeypatch, SECRET.decode())
    assert main(["keys", "show", "me"]) == 0
    assert fingerprint(private.public_key()) in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe", b"ssh-rsa AAAA\x1b[31m", b"x" * 30_000])
def test_what_is_no_key_is_refused(here: Path, capsys: Capture, content: bytes) -> None:
    (here / "odd").write_bytes(content)
    assert "odd" in complaint(capsys, "show", "odd")
    assert "No such file" in complaint(capsys, "show", "none")
    assert "directory" in complaint(capsys, "show", ".")


def test_a_comment_is_shown_without_control_characters(here: Path, capsys: Capture) -> None:
    (here / "odd.pub").write_text(f"{openssh(new_key('ed25519').public_key())} \x1b[31m\u202e\n", encoding="utf-8")
    assert main(["keys", "show", "odd.pub"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
