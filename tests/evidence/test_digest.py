# SPDX-License-Identifier: Apache-2.0
"""The model digest, against the shell pipeline that its documentation names."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qaqpa.evidence import digest
from qaqpa.evidence.digest import DigestError, Progress, dir_hash

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


def many(root: Path) -> Path:
    """So many files that those of the directory `z` are not read before the first progress was told."""
    first = {f"f{number:03}": b"1" for number in range(64)}
    return model(root, **first, z__weights=b"signed", z__more=b"2")


def once(act: Callable[[], object]) -> Progress:
    """Does something while files are read: when the first progress is told."""
    acts = [act]

    def progress(_done: int, _total: int) -> None:
        if acts:
            acts.pop()()

    return progress


def test_a_directory_that_becomes_a_link_while_it_is_read_is_not_followed(tmp_path: Path) -> None:
    root = many(tmp_path / "model")
    shutil.copytree(root / "z", tmp_path / "other")

    def swap() -> None:
        (root / "z").rename(tmp_path / "taken")
        (root / "z").symlink_to(tmp_path / "other")

    with pytest.raises(DigestError, match="cannot be read") as caught:
        dir_hash(root, once(swap))
    assert caught.value.where.startswith("z/")


def test_a_file_that_becomes_a_link_while_it_is_read_is_not_followed(tmp_path: Path) -> None:
    root = many(tmp_path / "model")

    def swap() -> None:
        (root / "z" / "weights").rename(tmp_path / "taken")
        (root / "z" / "weights").symlink_to(tmp_path / "taken")

    with pytest.raises(DigestError, match="cannot be read"):
        dir_hash(root, once(swap))


def test_a_file_that_becomes_a_pipe_while_it_is_read_is_refused_without_waiting(tmp_path: Path) -> None:
    root = many(tmp_path / "model")

    def swap() -> None:
        (root / "z" / "weights").unlink()
        os.mkfifo(root / "z" / "weights")

    with pytest.raises(DigestError, match="not a plain file"):
        dir_hash(root, once(swap))


@pytest.mark.parametrize("change", ["longer", "shorter", "same length", "same length and time", "gone"])
def test_a_file_that_changes_while_it_is_read_has_no_digest(tmp_path: Path, change: str) -> None:
    weights = model(tmp_path, weights=b"0" * (5 << 20)) / "weights"
    before = weights.stat()
    time.sleep(0.02)  # the clock of a file system ticks every few milliseconds

    def write() -> None:
        if change == "gone":
            weights.unlink()
            return
        with weights.open("r+b") as file:
            file.write(b"1")
            file.seek(0, os.SEEK_END)
            if change == "longer":
                file.write(b"1")
            elif change == "shorter":
                file.truncate(4 << 20)
        if change.endswith("time"):
            os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(DigestError, match=r"changed while|No such file"):
        dir_hash(tmp_path, once(write))


def test_a_file_that_comes_while_the_others_are_read_is_noticed(tmp_path: Path) -> None:
    root = many(tmp_path)
    with pytest.raises(DigestError, match="changed while they were read"):
        dir_hash(root, once(lambda: (root / "late").write_bytes(b"")))


def test_what_mlflow_writes_while_the_others_are_read_changes_nothing(tmp_path: Path) -> None:
    root = many(tmp_path)
    assert dir_hash(root, once(lambda: (root / "registered_model_meta").write_bytes(META))) == dir_hash(root)


def test_progress_grows_to_the_size_of_all_files(tmp_path: Path) -> None:
    root = model(tmp_path, a=b"1" * 3_000_000, b__c=b"2" * 10)
    told: list[tuple[int, int]] = []
    dir_hash(root, lambda done, total: told.append((done, total)))
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert [total for _, total in told] == [size] * len(told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (size, size)


def test_no_thread_and_no_descriptor_stays_behind(tmp_path: Path) -> None:
    root = many(tmp_path)
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    dir_hash(root)
    with pytest.raises(DigestError):
        dir_hash(root, once(lambda: (root / "z" / "weights").unlink()))
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == (threads, descriptors)


def test_a_socket_and_a_device_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(model(tmp_path))  # the address of a socket is short
        server.bind("socket")
        with pytest.raises(DigestError, match="Only plain files"):
            dir_hash(tmp_path)
    with pytest.raises(DigestError, match=r"Only plain files|cannot be read"):
        dir_hash("/dev")


def test_hard_links_are_files_like_any_other(tmp_path: Path) -> None:
    one = model(tmp_path / "one", a=b"1")
    (one / "b").hardlink_to(one / "a")
    assert dir_hash(one) == dir_hash(model(tmp_path / "two", a=b"1", b=b"1")) == pipeline(one)


def test_names_that_differ_only_in_unicode_normalisation_are_two(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    both = model(tmp_path / "both", **{composed: b"1", decomposed: b"2"})
    assert dir_hash(both) == pipeline(both)
    assert dir_hash(both) != dir_hash(model(tmp_path / "swapped", **{composed: b"2", decomposed: b"1"}))


def test_order_is_that_of_the_bytes_and_not_of_the_directories(tmp_path: Path) -> None:
    root = model(
        tmp_path, a__b=b"1", **{"a-": b"2", "a.b": b"3", "a0": b"4", "B": b"5", "\ue000": b"6", "\U00010000": b"7"}
    )
    assert dir_hash(root) == pipeline(root)


def test_names_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    root = model(tmp_path, кредит=b"1")
    script = f"from qaqpa.evidence.digest import dir_hash; print(dir_hash({str(root)!r}))"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == dir_hash(root)


def test_a_path_that_no_program_can_open_is_refused(tmp_path: Path) -> None:
    model(tmp_path)
    deepest = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=deepest)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = deeper
    os.close(deepest)
    with pytest.raises(DigestError, match="too long"):
        dir_hash(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(model(tmp_path) / "pipe")
    with pytest.raises(DigestError, match="Only plain files"):
        dir_hash(tmp_path)
    (tmp_path / "pipe").rename(tmp_path.parent / "registered_model_meta")
    (tmp_path.parent / "registered_model_meta").rename(tmp_path / "registered_model_meta")
    with pytest.raises(DigestError, match="Only plain files"):
        dir_hash(tmp_path)


@pytest.mark.parametrize("name", [b"a\nb", b"a\rb", b"a\\b", b"a\xff", b"\x1b\\"])
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


def test_a_root_with_a_null_character_has_no_digest() -> None:
    with pytest.raises(DigestError, match="cannot be read"):
        dir_hash("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["MLmodel", "data"])
def test_an_unreadable_file_or_directory_is_named(tmp_path: Path, name: str) -> None:
    (model(tmp_path, data__x=b"") / name).chmod(0)
    try:
        with pytest.raises(DigestError, match="cannot be read") as caught:
            dir_hash(tmp_path)
    finally:
        (tmp_path / name).chmod(0o700)
    assert caught.value.where == name


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
        b"model_name: " + b"x" * 300 + b"\nmodel_version: '7'\n",
        b"model_name: credit\nmodel_version: latest\n",
        b"model_name: credit\nmodel_version: exec(x)\n",
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
