# SPDX-License-Identifier: Apache-2.0
"""Digests that were computed ahead: when they count, and whatever somebody does to the files, when they do not."""

from __future__ import annotations

import mmap
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.server import ARTIFACTS_DESTINATION_ENV_VAR
from sqlalchemy import select

from qaqpa.errors import UndecidedError
from qaqpa.evidence import listing
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.listing import DigestError, Limits
from qaqpa.mlflow import digests, hasher, trees
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.tables import DIGESTS
from qaqpa.mlflow.trees import Facts, LocalTree
from support.frozen import MODEL, World

LIMITS = Limits(1000, 1 << 30)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # More than the clock of a local disk needs.
    monkeypatch.setattr(hasher, "SETTLE_SECONDS", 0.05)


def promoted(world: World) -> tuple[str | None, set[str]]:
    """The digest by which a promotion of `credit` was judged, and the codes of its problems."""
    with pytest.raises(RefusedError) as caught:
        world.gated.set_registered_model_alias("credit", "production", 1)
    assert world.raw.get_registered_model("credit").aliases == {}
    problems = {problem["code"] for problem in caught.value.json_kwargs["qaqpa"]["problems"]}
    asked, world.asked[:] = list(world.asked), []
    return asked[-1]["subject"]["digest"] if asked else None, problems


def hashed(world: World) -> str:
    """Waits until nothing is hashed any more; the digest as anybody computes it."""
    until = time.monotonic() + 60
    while world.gated.hasher._known:
        assert time.monotonic() < until
        time.sleep(0.01)
    return dir_hash(world.root / MODEL)


@pytest.fixture
def large(world: World) -> World:
    """A server for which everything is large, and `credit` was hashed ahead."""
    world.limit(in_request_mib=0)
    assert promoted(world) == (None, {"digest_pending"})
    expected = hashed(world)
    assert promoted(world) == (expected, set())
    return world


def test_a_large_model_is_pending_at_once_and_counts_when_it_is_hashed(any_world: World) -> None:
    any_world.limit(in_request_mib=0)
    start = time.monotonic()
    assert promoted(any_world) == (None, {"digest_pending"})
    assert time.monotonic() - start < 2
    assert not any_world.frozen("top"), "what was refused is not frozen any more"
    assert promoted(any_world)[0] in {None, hashed(any_world)}
    assert promoted(any_world) == (hashed(any_world), set())


@pytest.mark.parametrize(("language", "words"), [("en", "ask again"), ("kk", "қайта сұраңыз"), ("ru", "повторите")])
def test_the_refusal_says_what_to_do(world: World, language: str, words: str) -> None:
    world.limit(in_request_mib=0)
    world.gated._gatekeeper._language = language
    with pytest.raises(RefusedError) as caught:
        world.gated.set_registered_model_alias("credit", "production", 1)
    assert caught.value.get_http_status_code() == 403
    assert words in caught.value.message
    assert caught.value.message.endswith("(0.0 MiB, 1 file)")
    assert "credit" in caught.value.message
    found = caught.value.json_kwargs["qaqpa"]
    assert (found["verdict"], found["findings"], found["rejected"]) == ("undecided", [], [])
    assert not world.asked, "nothing is judged without a digest: all that was signed would look void"


def test_a_registration_and_evidence_have_the_files_hashed(any_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = any_world
    world.limit(in_request_mib=0)
    expected = hashed(world)
    world.gated.set_model_version_tag("credit", 1, ModelVersionTag("qaqpa.evidence.bias.0", "x"))
    hashed(world)
    shutil.copytree(world.root / MODEL, world.root / "0/other/artifacts/model")
    world.gated.create_registered_model("other")
    world.gated.create_model_version("other", "mlflow-artifacts:/0/other/artifacts/model")
    hashed(world)
    monkeypatch.setattr(trees, "dir_hash", None)
    assert promoted(world) == (expected, set())
    with pytest.raises(RefusedError):
        world.gated.set_registered_model_alias("other", "production", 1)
    assert world.asked[-1]["subject"]["digest"] == expected


def test_another_tag_and_a_prompt_have_nothing_hashed(world: World) -> None:
    world.gated.set_model_version_tag("credit", 1, ModelVersionTag("note", "x"))
    world.gated.create_registered_model("prompt")
    world.gated.create_model_version("prompt", "prompt-template")
    hashed(world)
    with world.gated.ManagedSessionMaker() as session:
        assert not session.execute(select(DIGESTS)).all()


def test_what_goes_wrong_with_hashing_ahead_spoils_no_registration(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gated.hasher, "ask", None)
    world.gated.create_registered_model("other")
    assert world.gated.create_model_version("other", f"mlflow-artifacts:/{MODEL}").version == 1
    assert world.gated.create_model_version("other", "mlflow-artifacts:/nowhere").version == 2


def write_in_place(model: Path) -> None:
    (model / "weights").write_text("evil")


def replace(model: Path) -> None:
    (model.parent / "other").write_text("evil")
    (model.parent / "other").replace(model / "weights")


def delete_and_write(model: Path) -> None:
    (model / "weights").unlink()
    (model / "weights").write_text("evil")


def write_through_a_hard_link(model: Path) -> None:
    (model.parent / "link").hardlink_to(model / "weights")
    (model.parent / "link").write_text("evil")
    (model.parent / "link").unlink()


def swap_the_directory(model: Path) -> None:
    model.rename(model.parent / "away")
    shutil.copytree(model.parent / "away", model)
    (model / "weights").write_text("evil")


def write_through_a_mapping(model: Path) -> None:
    with (model / "weights").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = b"evil"


@pytest.mark.parametrize(
    "attack",
    [
        write_in_place,
        replace,
        delete_and_write,
        write_through_a_hard_link,
        swap_the_directory,
        write_through_a_mapping,
    ],
)
def test_bytes_that_were_changed_with_their_time_put_back_are_hashed_again(
    large: World, attack: Callable[[Path], None]
) -> None:
    model = large.root / MODEL
    before, found = hashed(large), (model / "weights").stat()
    attack(model)
    os.utime(model / "weights", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert (model / "weights").stat().st_mtime_ns == found.st_mtime_ns
    assert promoted(large) == (None, {"digest_pending"})
    after = hashed(large)
    assert after != before
    assert promoted(large) == (after, set())


@pytest.mark.parametrize("name", ["more", "folder/more"])
def test_a_file_more_is_seen(large: World, name: str) -> None:
    file = large.root / MODEL / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("x")
    assert promoted(large) == (None, {"digest_pending"})


def test_a_directory_without_files_is_seen(large: World) -> None:
    """It is not in the digest, but an `MLmodel` may name it."""
    (large.root / MODEL / "folder").mkdir()
    assert promoted(large) == (None, {"digest_pending"})


def test_a_link_is_refused_at_once(large: World) -> None:
    (large.root / MODEL / "link").symlink_to("weights")
    assert promoted(large) == (None, {"digest_failed"})


def _notices_mappings(probe: Path) -> bool:
    """Whether the file system takes a new time when a page is written to that was brought to the disk."""
    probe.write_text("good")
    with probe.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = b"good"
        os.fsync(file.fileno())
        before = probe.stat().st_ctime_ns
        time.sleep(0.05)
        mapped[:] = b"evil"
        return probe.stat().st_ctime_ns != before


def test_a_mapping_that_was_dirty_before_is_seen(world: World) -> None:
    """A page that was written to takes no new time of change at the next write, until it was brought to the disk."""
    if not _notices_mappings(world.directory / "probe"):
        pytest.skip("files lie in memory here, and are never brought to a disk")
    world.limit(in_request_mib=0)
    weights = world.root / MODEL / "weights"
    with weights.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = b"good"
        assert promoted(world) == (None, {"digest_pending"})
        before = hashed(world)
        mapped[:] = b"evil"
        assert dir_hash(world.root / MODEL) != before
        assert promoted(world) == (None, {"digest_pending"})


def test_a_write_in_the_same_tick_of_a_coarse_clock_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tick = listing.as_file, 300_000_000

    def coarse(path: bytes, found: os.stat_result) -> listing.File:
        file = real(path, found)
        ticks = [time // tick * tick for time in (file.modified, file.changed)]
        return listing.File(path, file.size, *ticks, file.inode)

    monkeypatch.setattr(listing, "as_file", coarse)
    monkeypatch.setattr("qaqpa.evidence.digest.as_file", coarse)
    monkeypatch.setattr(hasher, "SETTLE_SECONDS", 0.4)
    world.limit(in_request_mib=0)
    weights = world.root / MODEL / "weights"
    weights.write_text("fine")
    tree = LocalTree(world.root / MODEL)
    before = tree.seen(LIMITS)
    world.gated.hasher.ask(tree, LIMITS)
    hashed(world)
    assert world.gated.hasher.stored(tree, before)
    weights.write_text("evil")
    assert promoted(world) == (None, {"digest_pending"})


def test_what_changes_while_it_is_hashed_ahead_is_not_stored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, tree = world.root / MODEL / "weights", LocalTree(world.root / MODEL)
    seen = []

    def meddle(*arguments: Any, **named: Any) -> str:
        digest = dir_hash(*arguments, **named)
        seen.append((tree.seen(LIMITS), digest))
        weights.write_text(f"evil {len(seen)}")
        return digest

    monkeypatch.setattr(trees, "dir_hash", meddle)
    world.gated.hasher.ask(tree, LIMITS)
    hashed(world)
    assert len(seen) == 3, "it is tried again, and not for ever"
    assert not any(world.gated.hasher.stored(tree, before) for before, _ in seen)


def test_the_listing_is_compared_while_the_files_are_frozen(large: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = LocalTree.seen, []

    def looked(tree: LocalTree, limits: Limits) -> trees.Seen:
        seen.append(large.frozen(f"{MODEL}/weights"))
        return real(tree, limits)

    monkeypatch.setattr(LocalTree, "seen", looked)
    assert promoted(large) == (hashed(large), set())
    assert seen == [True]
    assert not large.frozen(f"{MODEL}/weights")


def test_without_a_store_that_freezes_nothing_from_before_counts(large: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody could write between the comparison and the promotion; so all is hashed, however large."""
    called = []
    monkeypatch.setenv(ARTIFACTS_DESTINATION_ENV_VAR, f"file://{large.root}")
    monkeypatch.setattr("mlflow.server.handlers._artifact_repo", None)
    monkeypatch.setattr(trees, "dir_hash", lambda *a, **n: called.append(1) or dir_hash(*a, **n))
    assert promoted(large) == (hashed(large), set())
    assert called


def test_large_bytes_elsewhere_are_refused_without_being_hashed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.limit(in_request_mib=0)
    monkeypatch.setattr(trees, "dir_hash", None)
    world.register("elsewhere", str(world.root / MODEL))
    with pytest.raises(RefusedError) as caught:
        world.gated.set_registered_model_alias("elsewhere", "production", 1)
    assert [problem["code"] for problem in caught.value.json_kwargs["qaqpa"]["problems"]] == ["not_frozen"]


def test_a_small_model_is_hashed_in_the_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.gated.hasher, "ask", None)
    assert promoted(world) == (hashed(world), set())


def test_a_small_model_that_takes_long_is_pending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(*arguments: Any, **named: Any) -> str:
        release.wait(20)
        return dir_hash(*arguments, **named)

    monkeypatch.setattr(trees, "dir_hash", slow)
    monkeypatch.setattr(hasher, "PATIENCE_SECONDS", 0.2)
    start = time.monotonic()
    assert promoted(world) == (None, {"digest_pending"})
    assert time.monotonic() - start < 2
    release.set()
    assert promoted(world)[1] <= {"digest_pending"}
    assert promoted(world) == (hashed(world), set())


def test_requests_for_the_same_files_hash_them_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, all_there = [], threading.Barrier(5)

    def counted(*arguments: Any, **named: Any) -> str:
        calls.append(threading.get_ident())
        all_there.wait(20)
        return dir_hash(*arguments, **named)

    monkeypatch.setattr(trees, "dir_hash", counted)
    tree = LocalTree(world.root / MODEL)
    seen = tree.seen(LIMITS)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(world.gated.hasher.now, tree, seen, LIMITS) for _ in range(4)]
        time.sleep(0.2)
        all_there.wait(20) if len(calls) > 1 else all_there.abort()
        with pytest.raises(threading.BrokenBarrierError):
            answers[0].result()
    assert len(calls) == 1
    assert not world.gated.hasher._answering


def test_what_waits_to_be_hashed_ahead_waits_once_and_not_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, order = threading.Event(), []

    def held(tree: LocalTree, limits: Limits) -> None:
        del limits
        release.wait(20)
        order.append(tree.path.name)

    monkeypatch.setattr(LocalTree, "seen", held)
    monkeypatch.setattr(hasher, "MOST_WAITING", 3)
    monkeypatch.setattr(hasher, "AT_ONCE", 1)
    own = world.gated.hasher
    own.ask(LocalTree(Path("running")), LIMITS)
    while own._waiting:
        time.sleep(0.01)
    for name in ("a", "b", "b", "running"):
        own.ask(LocalTree(Path(name)), LIMITS)
    own.ask(LocalTree(Path("first")), LIMITS, first=True)
    own.ask(LocalTree(Path("too many")), LIMITS)
    release.set()
    hashed(world)
    assert order == ["running", "first", "a", "b"]


def test_only_one_process_hashes_and_a_killed_one_is_followed_by_another(
    any_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = any_world
    world.limit(in_request_mib=0)
    tree = LocalTree(world.root / MODEL)
    with world.gated.ManagedSessionMaker(read_only=False) as session:
        assert digests.claim(session, tree.key, "of another process")
        assert not digests.claim(session, tree.key, "ours")
    assert promoted(world) == (None, {"digest_pending"})
    hashed(world)
    assert promoted(world) == (None, {"digest_pending"}), "the other one hashes it"
    hashed(world)
    later = time.time_ns() + 61 * 10**9
    monkeypatch.setattr(digests.time, "time_ns", lambda: later)
    assert promoted(world) == (None, {"digest_pending"})
    expected = hashed(world)
    assert promoted(world) == (expected, set())


def test_the_lease_lasts_while_it_is_hashed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, taken = LocalTree(world.root / MODEL), []

    def slow(*arguments: Any, **named: Any) -> str:
        time.sleep(0.6)
        with world.gated.ManagedSessionMaker(read_only=False) as session:
            taken.append(digests.claim(session, tree.key, "other"))
        return dir_hash(*arguments, **named)

    monkeypatch.setattr(trees, "dir_hash", slow)
    for module in (digests, hasher):
        monkeypatch.setattr(module, "LEASE_SECONDS", 0.3)
    world.gated.hasher.ask(tree, LIMITS)
    hashed(world)
    assert taken == [False]


def test_why_it_cannot_be_hashed_ahead_is_told(large: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise DigestError("A file name is not UTF-8", where="weights")

    (large.root / MODEL / "weights").write_text("more")
    monkeypatch.setattr(trees, "dir_hash", broken)
    assert promoted(large) == (None, {"digest_pending"})
    hashed(large)
    assert promoted(large) == (None, {"digest_failed"})
    monkeypatch.undo()
    later = time.time_ns() + 6 * 60 * 10**9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests.time, "time_ns", lambda: later)
        stored = large.gated.hasher.stored(LocalTree(large.root / MODEL), LocalTree(large.root / MODEL).seen(LIMITS))
    assert stored is None, "after minutes it is tried again"


@pytest.mark.parametrize(
    ("limits", "said"), [({"most_files": 1}, "more than 1 files"), ({"most_gib": 1}, "more than 1 GiB")]
)
def test_a_model_beyond_the_limits_is_refused_at_once(world: World, limits: dict[str, int], said: str) -> None:
    world.limit(**limits)
    (world.root / MODEL / "sparse").touch()
    os.truncate(world.root / MODEL / "sparse", (1 << 30) + 1)
    start = time.monotonic()
    with pytest.raises(RefusedError, match=said) as caught:
        world.gated.set_registered_model_alias("credit", "production", 1)
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "model_too_large"
    assert time.monotonic() - start < 2


def test_an_mlmodel_that_unfolds_without_end_is_refused_quickly(world: World) -> None:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    (world.root / MODEL / "MLmodel").write_text(laughs + "flavors: {}\n")
    start = time.monotonic()
    assert promoted(world) == (dir_hash(world.root / MODEL), {"mlmodel_unreadable"})
    (world.root / MODEL / "MLmodel").write_text("flavors: {}\n#" + "x" * (1 << 20))
    assert promoted(world)[1] == {"mlmodel_unreadable"}
    assert time.monotonic() - start < 2


def test_what_another_version_of_qaqpa_or_somebody_long_ago_computed_does_not_count(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = LocalTree(large.root / MODEL)
    seen = tree.seen(LIMITS)
    with large.gated.ManagedSessionMaker(read_only=False) as session:
        assert digests.stored(session, tree.key, seen) == Facts(hashed(large))
        with monkeypatch.context() as patch:
            patch.setattr(digests, "__version__", "9")
            assert digests.stored(session, tree.key, seen) is None
        later = time.time_ns() + 91 * 24 * 3600 * 10**9
        monkeypatch.setattr(digests.time, "time_ns", lambda: later)
        assert digests.stored(session, tree.key, seen) is None
        digests.claim(session, "another place", "x")
        digests.keep(session, "another place", seen, Facts("0" * 64))
        assert len(session.execute(select(DIGESTS)).all()) == 1, "rows that are too old go"


def test_a_storage_that_does_not_answer_is_an_error_of_ours() -> None:
    with pytest.raises(UndecidedError, match="cannot be fetched"):
        trees._asked("model", lambda: 1 / 0)
