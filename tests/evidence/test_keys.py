# SPDX-License-Identifier: Apache-2.0
"""Keys: read, written, named; each against the real `ssh-keygen`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.errors import UsageError
from qaqpa.evidence.keys import (
    KINDS,
    MAX_KEY_BYTES,
    FileKey,
    fingerprint,
    load_signing_key,
    new_key,
    openssh,
    read_public_key,
    write_key,
)
from support.servers import need

SECRET = b"correct horse"
PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
# Always the same: it is part of the names of tests.
LINE = openssh(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
PEM_TEXT = new_key("p256").public_key().public_bytes(*PEM).decode()


def ssh_keygen(*arguments: str | Path) -> str:
    need(shutil.which("ssh-keygen"), "ssh-keygen")
    command = ["ssh-keygen", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def made(path: Path, *arguments: str, passphrase: str = "") -> Path:
    ssh_keygen("-q", "-N", passphrase, "-f", path, *arguments)
    return path


def asked() -> bytes:
    raise AssertionError("nobody should be asked")


def refused(path: Path | str, passphrase: bytes = SECRET) -> str:
    with pytest.raises(UsageError) as caught:
        load_signing_key(path, lambda: passphrase)
    return caught.value.found


@pytest.mark.parametrize("kind", KINDS)
def test_ssh_keygen_gives_a_key_of_ours_the_same_id_and_public_line(tmp_path: Path, kind: str) -> None:
    private = new_key(kind)
    write_key(tmp_path / "key", private, None, "auditor one")
    public = private.public_key()
    assert (tmp_path / "key.pub").read_text() == f"{openssh(public)} auditor one\n"
    for file in ("key", "key.pub"):
        assert ssh_keygen("-l", "-f", tmp_path / file).split()[1] == fingerprint(public)
    assert ssh_keygen("-y", "-f", tmp_path / "key").split()[:2] == openssh(public).split()


@pytest.mark.parametrize("kind", KINDS)
def test_ssh_keygen_opens_an_encrypted_key_of_ours_with_its_passphrase_only(tmp_path: Path, kind: str) -> None:
    private = new_key(kind)
    write_key(tmp_path / "key", private, SECRET, "")
    line = ssh_keygen("-y", "-P", SECRET.decode(), "-f", tmp_path / "key")
    assert line.split()[:2] == openssh(private.public_key()).split()
    with pytest.raises(subprocess.CalledProcessError):
        ssh_keygen("-y", "-P", "wrong", "-f", tmp_path / "key")


@pytest.mark.parametrize("arguments", [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256")])
@pytest.mark.parametrize("form", [(), ("-m", "PEM"), ("-m", "PKCS8")])
@pytest.mark.parametrize("passphrase", ["", SECRET.decode()])
def test_a_key_that_ssh_keygen_made_loads_and_signs(
    tmp_path: Path, arguments: tuple[str, ...], form: tuple[str, ...], passphrase: str
) -> None:
    path = made(tmp_path / "key", *arguments, *form, passphrase=passphrase)
    key = load_signing_key(path, (lambda: SECRET) if passphrase else asked)
    assert key.key_id == ssh_keygen("-l", "-f", tmp_path / "key.pub").split()[1]
    assert read_public_key((tmp_path / "key.pub").read_text()) == key.public_key
    if passphrase:
        assert refused(path, b"wrong") == "The passphrase does not open this key"
        assert refused(path, b"") == "The passphrase does not open this key"


def test_a_wrong_passphrase_is_refused_whatever_the_cipher(tmp_path: Path) -> None:
    path = made(tmp_path / "key", "-t", "ed25519", "-Z", "aes256-gcm@openssh.com", passphrase=SECRET.decode())
    assert load_signing_key(path, lambda: SECRET).key_id
    assert refused(path, b"wrong") == "The passphrase does not open this key"


@pytest.mark.parametrize(
    "arguments", [("-t", "rsa", "-b", "2048"), ("-t", "ecdsa", "-b", "384"), ("-t", "ecdsa", "-b", "521")]
)
def test_other_types_of_keys_are_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    path = made(tmp_path / "key", *arguments)
    assert refused(path) == "This is a key of another type"
    with pytest.raises(ValueError, match="another type"):
        read_public_key((tmp_path / "key.pub").read_text())


def test_a_certificate_is_no_public_key(tmp_path: Path) -> None:
    authority, own = made(tmp_path / "ca", "-t", "ed25519"), made(tmp_path / "key", "-t", "ed25519")
    ssh_keygen("-q", "-s", authority, "-I", "me", f"{own}.pub")
    with pytest.raises(ValueError, match="certificate"):
        read_public_key((tmp_path / "key-cert.pub").read_text())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_private_key_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    write_key(tmp_path / "key", new_key("ed25519"), None, "")
    (tmp_path / "key").chmod(mode)
    assert refused(tmp_path / "key") == "Others may read this private key"


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    write_key(tmp_path / "key", new_key("ed25519"), None, "")
    assert refused(tmp_path / "key.pub") == "This is not a private key"
    assert "Is a directory" in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "none")
    assert "null byte" in refused(f"{tmp_path}/a\0b")
    (tmp_path / "large").write_bytes(b"PRIVATE KEY" * MAX_KEY_BYTES)
    assert refused(tmp_path / "large") == "The file is too large for a key"
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "This is no file"
    half = (tmp_path / "key").read_bytes()[:150]
    (tmp_path / "half").write_bytes(half)
    (tmp_path / "half").chmod(0o600)
    assert refused(tmp_path / "half") == "This is not a private key that can be read"


def test_a_key_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    write_key(tmp_path / "key", new_key("ed25519"), None, "")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", ["key", "key.pub"])
def test_nothing_is_overwritten_and_nothing_is_left_behind(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_key(tmp_path / "key", new_key("ed25519"), None, "")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        write_key(tmp_path / "key", new_key("ed25519"), None, "")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("comment", [f"a\n{LINE}", "a\rb", "\x1b[31m", "\u202e", "x" * 201])
def test_a_comment_cannot_add_a_line(tmp_path: Path, comment: str) -> None:
    with pytest.raises(UsageError, match="comment"):
        write_key(tmp_path / "key", new_key("ed25519"), None, comment)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("passphrase", [b"", b"x" * 1001])
def test_a_passphrase_that_would_not_protect_is_refused(tmp_path: Path, passphrase: bytes) -> None:
    with pytest.raises(UsageError, match="passphrase"):
        write_key(tmp_path / "key", new_key("ed25519"), passphrase, "")
    assert not list(tmp_path.iterdir())


def test_there_is_no_third_kind_of_key() -> None:
    with pytest.raises(ValueError, match="rsa"):
        new_key("rsa")


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_key_is_the_same_from_a_line_and_from_pem(kind: str) -> None:
    public = new_key(kind).public_key()
    for text in (openssh(public), f"{openssh(public, 'a comment')}\n", public.public_bytes(*PEM).decode()):
        assert read_public_key(text) == public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a public key that can be read"),
        ("ssh-ed25519", "not a public key that can be read"),
        ("ssh-ed25519 AAAA", "not a public key that can be read"),
        (f"no-pty {LINE}", "not a public key that can be read"),
        (f"{LINE}\ud800", "not a public key that can be read"),
        (f"{LINE}\n{LINE}", "more than one line"),
        (f"{LINE}\r{LINE}", "more than one line"),
        (f"{LINE} {'x' * MAX_KEY_BYTES}", "too long"),
        (PEM_TEXT + PEM_TEXT, "something else"),
        (f"{PEM_TEXT}{LINE}", "something else"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not a public key that can be read"),
        ("-----BEGIN PRIVATE KEY-----", "private key"),
    ],
)
def test_what_is_no_public_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_public_key(text)


@given(st.one_of(st.text(), st.text().map(lambda tail: LINE[:40] + tail), st.text().map(lambda tail: PEM_TEXT + tail)))
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        public = read_public_key(text)
    except ValueError:
        return
    assert fingerprint(public).startswith("SHA256:")


def test_a_key_id_names_the_public_half_and_no_secret_shows() -> None:
    key = FileKey(new_key("p256"))
    assert key.key_id == fingerprint(key.public_key)
    assert len(key.key_id) == len("SHA256:") + 43
    assert "PRIVATE" not in repr(key)
