# SPDX-License-Identifier: Apache-2.0
"""Attached documents beside the evidence, with every trick in their paths."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.evidence import documents
from qaqpa.evidence.documents import Attached, check_documents, documents_of
from qaqpa.evidence.kinds import kind, kinds
from support.attached import BYTES, SHA256, card, codes
from support.contents import every_content
from support.statements import NOW


def never(url: str) -> str:
    pytest.fail(f"{url!r} was fetched")


def test_every_document_of_every_kind_is_found() -> None:
    for name, content in every_content(NOW).items():
        found = documents_of(kind(name), content)
        # Of a data set the digest stands alone.
        assert len(found) == str(content).count("'uri'"), name
    responsibility = documents_of(kind("responsibility"), every_content(NOW)["responsibility"])
    assert Attached("contracts[0]", "https://example.org/contract.pdf", "e" * 64) in responsibility
    legal = documents_of(kind("legal_basis"), every_content(NOW)["legal_basis"])
    assert "consent.template" in [one.field for one in legal]
    assert len(kinds()) > len(every_content(NOW))


def test_what_only_looks_like_a_document_is_none() -> None:
    assert documents_of(kind("system"), {"kind": "system", "title": "uri", "models": [{"name": "sha256"}]}) == []


def test_a_file_beside_the_evidence_is_compared(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "отчёт 1.pdf").write_bytes(BYTES)
    assert codes("docs/отчёт 1.pdf", tmp_path, fetch=never) == []
    assert codes("docs/отчёт 1.pdf", tmp_path, "0" * 64) == ["document_mismatch"]
    assert codes("docs/none.pdf", tmp_path) == ["document_unreachable"]
    assert codes("docs/отчёт 1.pdf", None) == ["document_unreachable"]
    assert codes("docs", tmp_path) == ["document_refused"]


def test_of_an_address_with_a_fragment_the_whole_document_counts(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(BYTES)
    (tmp_path / "a.pdf#page=2").write_bytes(b"another")
    for uri in ("a.pdf#page=2", "a.pdf#", "a.pdf#../b", "a.pdf#раздел 1", "a.pdf#t:1"):
        assert codes(uri, tmp_path, fetch=never) == []
        assert codes(uri, tmp_path, "0" * 64) == ["document_mismatch"]
    assert codes("none.pdf#page=2", tmp_path) == ["document_unreachable"]
    (tmp_path / "link").symlink_to("a.pdf")
    assert codes("link#page=2", tmp_path) == ["document_unreachable"]


def test_the_refusal_names_document_field_and_both_hashes(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"other")
    detail = check_documents(kind("model_card"), card("a.pdf"), "s", base=tmp_path)[0].detail
    other = hashlib.sha256(b"other").hexdigest()
    assert detail == f"Document a.pdf (document): Its bytes have the SHA-256 {other}, not {SHA256}."


@pytest.mark.parametrize(
    "uri",
    [
        "../secret",
        "docs/../../secret",
        "docs/..",
        "..",
        ".",
        "./a.pdf",
        "docs//a.pdf",
        "docs/",
        "/etc/hostname",
        "//host/share",
        "\\\\host\\share",
        "docs\\..\\..\\secret",
        "..\\secret",
        "C:\\secret",
        "C:/secret",
        "C:secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "%2Fetc%2Fhostname",
        "docs/%252e%252e/secret",
        "a.pdf%00.txt",
        "a.pdf\0.txt",
        "a.pdf\n",
        "a.pdf?x",
        "#page=2",
        "docs/#page=2",
        "docs/..#a",
        "a.pdf#page=2#3",
        "a.pdf#../../secret?x",
        "a.pdf#%2e%2e",
        "a.pdf#\n",
        "http://example.org/a.pdf#x",
        "file:secret",
        "file:/etc/hostname",
        "file:///etc/hostname",
        "file://localhost/etc/hostname",
        "FILE:///etc/hostname",
        "http://example.org/a.pdf",
        "ftp://example.org/a.pdf",
        "data:text/plain,x",
        "javascript:x",
        "models:/credit/1",
        "runs:/0/a",
        "s3://bucket/a",
        "mlflow-artifacts:/a",
        "gopher://x",
        ":x",
        " https://example.org/a.pdf",
        "\thttps://example.org/a.pdf",
        "view-source:https://example.org/a.pdf",
    ],
)
def test_path_tricks_are_refused_before_anything_is_opened(tmp_path: Path, uri: str) -> None:
    base = tmp_path / "base"
    (base / "docs").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(BYTES)
    assert codes(uri, base, fetch=never) == ["document_refused"]
    assert codes(uri, base) == ["document_refused"]


def test_two_dots_within_a_name_are_a_name(tmp_path: Path) -> None:
    for name in ("a..pdf", "..a", "...", "~", "-", "$HOME", "a:b"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_bytes(BYTES)
        assert codes(f"d/{name}", tmp_path) == []


def test_links_are_not_followed_wherever_they_lead(tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "docs").mkdir(parents=True)
    (base / "docs" / "a.pdf").write_bytes(BYTES)
    (tmp_path / "secret").write_bytes(BYTES)
    (base / "out").symlink_to(tmp_path)
    (base / "in").symlink_to("docs")
    (base / "file").symlink_to(tmp_path / "secret")
    (base / "absolute").symlink_to("/")
    for uri in ("out/secret", "in/a.pdf", "file", f"absolute{tmp_path}/secret"):
        assert codes(uri, base) == ["document_unreachable"], uri


def test_a_pipe_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert codes("pipe", tmp_path) == ["document_refused"]
    assert codes("zero", Path("/dev")) == ["document_refused"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", len(BYTES))
    (tmp_path / "a").write_bytes(BYTES)
    (tmp_path / "b").write_bytes(BYTES + b"1")
    assert codes("a", tmp_path) == []
    assert codes("b", tmp_path) == ["document_refused"]


@given(st.text(max_size=60) | st.from_regex(r"https:[/\\]{0,3}[^a-z]{0,20}", fullmatch=True))
def test_no_uri_raises(tmp_path_factory: pytest.TempPathFactory, uri: str) -> None:
    found = codes(uri, tmp_path_factory.getbasetemp())
    assert found[0] in {"document_refused", "document_unreachable"}
