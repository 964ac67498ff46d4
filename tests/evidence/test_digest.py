# SPDX-License-Identifier: Apache-2.0
"""The model digest, against the shell pipeline that its documentation names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qaqpa.evidence import digest
from qaqpa.evidence.digest import DigestError, dir_hash, file_sha256

META = b"model_name: credit\nmodel_version: '7'\n"
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="/\\\n\r\0"), min_size=1, max_size=20
).filter(lambda name: name not in {".", "..", "-", "registered_model_meta"} and len(name.encode()) < 200)


def pipeline(root: Path) -> str:
    command = next(line for line in digest.__doc__.split("`") if line.startswith("find "))
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=root, capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def model(root: Path, **files: bytes) -> Path:
    for name, content in {"MLmodel": b"flavors: {}\n", **files}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@settings(max_examples=40)
@given(
    st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map(tuple), st.binary(max_size=30), min_size=1, max_size=8)
)
@example({("a", "b"): b"1", ("a b",): b"2", ("a-b",): b"3", ("a.b",): b"4", ("A",): b"", ("'q\" $x *",): b"5"})
@example({("\u04d9",): b"1", ("z",): b"2", ("\U0001f600",): b"3", ("\uffee",): b"4", ("--help",): b"5"})
def test_the_digest_is_what_the_shell_computes(tmp_path_factory: pytest.TempPathFactory, files: dict) -> None:
    root = tmp_path_factory.mktemp("model")
    written = 0
    for parts, content in files.items():
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written += 1
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            continue  # two of the names clash as file and directory
    assert written
    assert dir_hash(root) == pipeline(root)


def test_a_large_file_is_hashed_in_pieces(tmp_path: Path) -> None:
    model(tmp_path, weights=os.urandom(3 * (1 << 20) + 7))
    assert dir_hash(tmp_path) == pipeline(tmp_path)


def test_content_name_place_and_an_added_file_change_the_digest(tmp_path: Path) -> None:
    variants = [{"a": b"1"}, {"a": b"2"}, {"b": b"1"}, {"d__a": b"1"}, {"a": b"1", "b": b""}]
    digests = {dir_hash(model(tmp_path / str(number), **files)) for number, files in enumerate(variants)}
    assert len(digests) == len(variants)


def test_empty_directories_times_and_modes_do_not_change_it(tmp_path: Path) -> None:
    before = dir_hash(model(tmp_path, a=b"1"))
    (tmp_path / "empty").mkdir()
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "a").chmod(0o600)
    assert dir_hash(tmp_path) == before


def test_a_symbolic_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    for number, target in enumerate(["MLmodel", "/etc/hostname", "nowhere", "."]):
        root = model(tmp_path / str(number))
        (root / "link").symlink_to(target)
        with pytest.raises(DigestError, match="Only plain files"):
            dir_hash(root)


def test_a_file_that_becomes_a_link_between_listing_and_reading_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model(tmp_path) / "MLmodel")
    with pytest.raises(OSError, match="symbolic"):
        file_sha256(tmp_path / "link")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(model(tmp_path) / "pipe")
    with pytest.raises(DigestError, match="Only plain files"):
        dir_hash(tmp_path)


@pytest.mark.parametrize("name", [b"a\nb", b"a\rb", b"a\\b", b"a\xff"])
def test_a_name_that_the_shell_would_write_otherwise_is_refused(tmp_path: Path, name: bytes) -> None:
    model(tmp_path)
    Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(b"")  # noqa: PTH118 - bytes
    with pytest.raises(DigestError, match="A file name") as caught:
        dir_hash(tmp_path)
    assert caught.value.where.isprintable()


def test_a_directory_without_files_or_that_is_none_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DigestError, match="no file to hash"):
        dir_hash(tmp_path)
    with pytest.raises(DigestError, match="cannot be read"):
        dir_hash(tmp_path / "none")
    with pytest.raises(DigestError, match="cannot be read"):
        dir_hash(model(tmp_path / "m") / "MLmodel")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (model(tmp_path) / "MLmodel").chmod(0)
    with pytest.raises(DigestError, match="cannot be read") as caught:
        dir_hash(tmp_path)
    assert caught.value.where.endswith("MLmodel")


@pytest.mark.parametrize("name", ["credit", "a b", "кредит", "it's", "7", "true", "a: b", "-", "#1", "x@y", "a%b"])
def test_what_mlflow_itself_writes_while_reading_is_left_out(tmp_path: Path, name: str) -> None:
    before = dir_hash(model(tmp_path))
    text = yaml.safe_dump({"model_name": name, "model_version": "7"}, allow_unicode=True, default_flow_style=False)
    (tmp_path / "registered_model_meta").write_text(text, encoding="utf-8")
    assert dir_hash(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        META + b"extra: 1\n",
        META + b"\n",
        b"\n" + META,
        b"#" + META,
        META.rstrip(),
        META.replace(b"\n", b"\r\n"),
        b"model_version: '7'\nmodel_name: credit\n",
        b"model_name: credit\n",
        b"model_name: !!python/object/apply:os.system [id]\nmodel_version: '7'\n",
        b"model_name: &a credit\nmodel_version: *a\n",
        b"model_name: {a: b}\nmodel_version: '7'\n",
        b"model_name: credit # note\nmodel_version: '7'\n",
        b"model_name: " + b"x" * 5000 + b"\nmodel_version: '7'\n",
        b"\x80\x04K\x01.",
    ],
)
def test_a_file_of_that_name_with_anything_else_counts(tmp_path: Path, content: bytes) -> None:
    before = dir_hash(model(tmp_path))
    (tmp_path / "registered_model_meta").write_bytes(content)
    assert dir_hash(tmp_path) != before
    assert dir_hash(tmp_path) == pipeline(tmp_path)


def test_it_counts_in_a_directory_below_and_under_another_name(tmp_path: Path) -> None:
    before = dir_hash(model(tmp_path / "a"))
    assert dir_hash(model(tmp_path / "b", data__registered_model_meta=META)) != before
    assert dir_hash(model(tmp_path / "c", registered_model_meta2=META)) != before
    linked = model(tmp_path / "d", other=META)
    (linked / "registered_model_meta").symlink_to("other")
    with pytest.raises(DigestError, match="Only plain files"):
        dir_hash(linked)
