# SPDX-License-Identifier: Apache-2.0
"""Attacks on break-glass against real servers: an override counts once, and only for what it was signed for."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from attacks.scene import DAY, Scene, attacked_organisation, envelope
from attacks.test_server import keyed, version_in
from qaqpa import times
from qaqpa.config import LogSource
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import context_digest
from qaqpa.mlflow.denial import HEADER
from qaqpa.model import Stage
from qaqpa.policy.bundle import SERVER_BUNDLE
from qaqpa.record.log.asked import Claim
from qaqpa.record.log.database import Database
from qaqpa.record.log.listing import Listed, Wanted, listed, recorded, used
from qaqpa.record.log.newest import FRESH_SECONDS
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.uses import Use
from qaqpa.resources import COMPILED
from support.contents import override, override_review, withdrawal
from support.keyring import person, signed_text, to_yaml
from support.logs import log_source
from support.opa import require_opa
from support.registry import Registry, Tags, Version
from support.servers import HOST, free_port, mlflow_server, opa_server

pytestmark = pytest.mark.server

HOUR = timedelta(hours=1)
_numbers = itertools.count(1)


def scene_of(version: Version) -> Scene:
    return Scene(version.name, dir_hash(version.files), times.now())


def denied(registry: Registry) -> Version:
    """A version that lacks the audit, and so is refused."""

    def tags(name: str, digest: str) -> Tags:
        return Tags({}, dict(keyed(Scene(name, digest, times.now()).sound("audit"))))

    return registry.registered(tagged=tags)


def signed(version: Version, signers: list[str] | None = None, **changes: Any) -> Carried:
    """An override for a version, made now, for two hours; each is another statement."""
    now = times.now()
    about = {"issued_at": now, "expires_at": now + 2 * HOUR, **changes}
    return scene_of(version).signed(override(reason=f"Reason {next(_numbers)}"), signers, **about)


def attach(registry: Registry, version: Version, *pieces: Carried) -> None:
    registry.attach(version, Tags({}, dict(keyed(pieces))))


def promoted(registry: Registry, version: Version, alias: str = "production") -> requests.Response:
    return registry.set_alias(version, alias)


def codes(answer: requests.Response) -> set[str]:
    """Why something was refused; the registry is as it was."""
    assert answer.status_code == 403, answer.text
    found = answer.json()["qaqpa"]
    violations = [violation for finding in found["findings"] for violation in finding["violations"]]
    return {entry["code"] for entry in (*found["problems"], *found.get("rejected", []), *violations)}


def log_of(registry: Registry) -> LogSource:
    return log_source(registry.directory, f"sqlite:///{registry.directory}/decisions.db")


def uses_of(registry: Registry, version: Version) -> list[Use]:
    return [use for use in used(Database(log_of(registry))) if use.entry.fields["model"] == version.name]


def decisions_of(registry: Registry, name: str) -> list[Listed]:
    """Newest first."""
    return list(listed(Database(log_of(registry)), Wanted(model=name), 100))


def assert_refused(registry: Registry, version: Version, code: str, piece: Carried | None = None) -> None:
    answer = promoted(registry, version)
    assert code in codes(answer)
    if piece:
        refusals = answer.json()["qaqpa"]["rejected"]
        assert [one["code"] for one in refusals if one["source"] == piece.source] == [code]
    assert registry.aliases(version.name) == {}
    assert uses_of(registry, version) == []


def test_without_an_attack_it_lets_one_promotion_through_and_says_so_everywhere(registry: Registry) -> None:
    version = denied(registry)
    assert_refused(registry, version, "evidence_missing")
    piece = signed(version)
    attach(registry, version, piece)
    answer = promoted(registry, version)
    assert answer.status_code == 200, answer.text
    assert registry.aliases(version.name) == {"production": version.number}
    [use] = uses_of(registry, version)
    assert answer.headers[HEADER] == f"deny; mode=enforce; overridden={use.entry.seq}"
    assert (use.ticket, [signer for signer, _ in use.signers]) == ("INC-17", ["incident1", "incident2"])
    assert use.due
    assert use.due - times.parse(use.entry.at) == 7 * DAY
    newest = decisions_of(registry, version.name)[0]
    assert (newest.entry.fields["verdict"], newest.outcome, newest.override) == ("deny", "written", use.entry.seq)
    assert newest.entry.seq < use.entry.seq, "decided, then claimed, then written"
    assert use.decisions == [newest.entry.seq]
    found = recorded(Database(log_of(registry)), newest.entry.seq)
    assert (found.listed.outcome, found.use) == ("written", use)
    output = registry.server.output()
    assert f"OVERRIDDEN: alias production of {version.name} version {version.number}" in output
    assert "ticket INC-17, signed by incident1, incident2" in output


def test_used_twice(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    assert promoted(registry, version).ok
    assert "override_used" in codes(promoted(registry, version, "champion"))
    registry.client.delete_registered_model_alias(version.name, "production")
    answer = promoted(registry, version)
    assert "override_used" in codes(answer)
    assert "was used before" in answer.json()["message"]
    assert registry.aliases(version.name) == {}
    assert len(uses_of(registry, version)) == 1


def test_the_tag_is_taken_away_and_the_same_put_again(registry: Registry) -> None:
    version = denied(registry)
    piece = signed(version)
    attach(registry, version, piece)
    assert promoted(registry, version).ok
    body = {"name": version.name, "version": version.number, "key": piece.tag}
    assert "evidence_kept" in codes(registry.post("model-versions/delete-tag", body, "DELETE"))
    # Under another name, which nobody keeps, and signed again with another key of the same person.
    _, payload = read_statement(piece.text)
    assert payload
    again = envelope(payload.payload, ["incident1/1", "incident2"])
    registry.client.set_model_version_tag(version.name, version.number, "qaqpa.evidence.override.again", again)
    registry.client.delete_registered_model_alias(version.name, "production")
    assert "override_used" in codes(promoted(registry, version))


def _other_context(registry: Registry, version: Version) -> Carried:
    assert registry
    return signed(version, context_digest=context_digest(scene_of(version).context(version=4)))


ATTACKS: dict[str, tuple[str, Callable[[Registry, Version], Carried]]] = {
    "for another digest": ("other_model", lambda _, version: signed(version, model_digest="0" * 64)),
    "for another stage": ("other_stage", lambda _, version: signed(version, stage=Stage.STAGING)),
    "for a review": ("other_stage", lambda _, version: signed(version, stage=Stage.REVIEW)),
    "for another context": ("other_context", _other_context),
    "one person with two keys": ("too_few_signers", lambda _, version: signed(version, ["incident1", "incident1/1"])),
    "one signature": ("too_few_signers", lambda _, version: signed(version, ["incident1"])),
    "nobody": ("untrusted_signature", lambda _, version: signed(version, [])),
    "strangers": ("untrusted_signature", lambda _, version: signed(version, ["stranger1", "stranger2"])),
    "the owner": ("too_few_signers", lambda _, version: signed(version, ["incident1", "owner"])),
    "the trainer": ("too_few_signers", lambda _, version: signed(version, ["incident1", "trainer"])),
    "the owner's unit": ("too_few_signers", lambda _, version: signed(version, ["incident1", "peer"])),
    "another role": ("too_few_signers", lambda _, version: signed(version, ["incident1", "risk"])),
    "a revoked key": ("too_few_signers", lambda _, version: signed(version, ["incident1", "revoked"])),
    "a compromised key": ("too_few_signers", lambda _, version: signed(version, ["incident1", "compromised"])),
    "a key that has ended": ("too_few_signers", lambda _, version: signed(version, ["incident1", "ended"])),
    "25 hours": ("override_too_long", lambda _, version: signed(version, expires_at=times.now() + 25 * HOUR)),
    "no end": ("override_without_end", lambda _, version: signed(version, expires_at=None)),
    "ended": (
        "expired",
        lambda _, version: signed(version, issued_at=times.now() - 3 * HOUR, expires_at=times.now() - HOUR),
    ),
    "from the future": (
        "dated_in_future",
        lambda _, version: signed(version, issued_at=times.now() + HOUR, expires_at=times.now() + 2 * HOUR),
    ),
}


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_it_is_refused(registry: Registry, attacked: Version, attack: str) -> None:
    code, make = ATTACKS[attack]
    piece = make(registry, attacked)
    attach(registry, attacked, piece)
    assert_refused(registry, attacked, code, piece)


@pytest.fixture(scope="module")
def attacked(registry: Registry) -> Version:
    """One version that all unsound overrides are tried on: none of them helps another."""
    return denied(registry)


def test_one_of_its_signers_takes_it_back(registry: Registry) -> None:
    version = denied(registry)
    piece, scene = signed(version), scene_of(version)
    back = scene.signed(withdrawal(_id(piece)), ["incident2"])
    attach(registry, version, piece, back)
    assert_refused(registry, version, "withdrawn")


def _id(piece: Carried) -> str:
    return read_statement(piece.text)[0].id


def test_a_key_is_revoked_after_it_signed(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    file = registry.directory / "parties.signed.json"
    before = file.read_bytes()
    value = attacked_organisation(times.now()) | {"version": version_in(file) + 1}
    revoked = {"at": times.render(times.now() - HOUR), "reason": "compromise"}
    person(value, "incident2")["keys"][0]["revoked"] = revoked
    try:
        file.write_text(signed_text(to_yaml(value)), encoding="utf-8")
        assert_refused(registry, version, "too_few_signers")
    finally:
        person(value, "incident2")["keys"][0].pop("revoked")
        file.write_text(signed_text(to_yaml(value | {"version": value["version"] + 1})), encoding="utf-8")
    assert before != file.read_bytes()
    assert promoted(registry, version).ok


def test_a_parties_file_that_nobody_can_trust_lifts_nothing(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    file = registry.directory / "parties.signed.json"
    before = file.read_bytes()
    try:
        file.write_text("{}", encoding="utf-8")
        assert_refused(registry, version, "parties_unreadable")
    finally:
        file.write_bytes(before)


def test_bytes_that_are_gone_lift_nothing(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    stored = registry.directory / "artifacts" / version.source.partition("mlflow-artifacts:/")[2]
    assert stored.is_dir()
    (stored / "data" / "weights").write_text("other bytes")
    assert_refused(registry, version, "other_model")
    stored.rename(stored.with_name("away"))
    assert_refused(registry, version, "bytes_missing")


def test_a_log_that_is_down_lifts_nothing(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    with Database(replace(log_of(registry), timeout_seconds=10)).writing():
        assert "log_unusable" in codes(promoted(registry, version))
    assert registry.aliases(version.name) == {}
    assert promoted(registry, version).ok


def test_a_stage_and_an_alias_need_an_override_each(registry: Registry) -> None:
    version = denied(registry)
    attach(registry, version, signed(version))
    body = {"name": version.name, "version": version.number, "stage": "Production", "archive_existing_versions": False}
    assert registry.post("model-versions/transition-stage", body).ok
    assert registry.stage(version) == "Production"
    assert "override_used" in codes(promoted(registry, version))


@pytest.fixture(scope="module")
def without_opa(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Another server of the same registry and log, whose OPA does not answer."""
    directory = tmp_path_factory.mktemp("without-opa")
    configuration = (registry.directory / "qaqpa.yaml").read_text("utf-8")
    port = free_port()
    configuration += f"engine: opa\nopa: {{url: 'http://{HOST}:{port}'}}\n"
    more = ["--artifacts-destination", f"qaqpa+file://{registry.directory}/artifacts"]
    log = f"sqlite:///{registry.directory}/decisions.db"
    database = registry.server.database
    require_opa()
    with contextlib.ExitStack() as stack:
        # The server does not start without OPA.
        with opa_server(COMPILED / SERVER_BUNDLE, directory, port):
            server = stack.enter_context(
                mlflow_server(directory, database, configuration, parties=False, log=log, more=more)
            )
        yield Registry(server, registry.directory)


def test_it_works_while_opa_is_down_and_there_too_only_once(registry: Registry, without_opa: Registry) -> None:
    version = denied(registry)
    assert "engine_failed" in codes(promoted(without_opa, version))
    attach(without_opa, version, signed(version))
    answer = promoted(without_opa, version)
    assert answer.ok, answer.text
    assert answer.headers[HEADER].startswith("undecided; mode=enforce; overridden=")
    assert registry.aliases(version.name) == {"production": version.number}
    assert "override_used" in codes(promoted(without_opa, version, "champion"))
    assert "override_used" in codes(promoted(registry, version, "champion"))


def test_used_on_two_servers_at_once(registry: Registry, without_opa: Registry) -> None:
    for _ in range(3):
        version = denied(registry)
        attach(registry, version, signed(version))
        with ThreadPoolExecutor(4) as pool:
            asked = [
                pool.submit(promoted, server, version, alias)
                for server in (registry, without_opa)
                for alias in ("production", "champion")
            ]
        answers = [one.result() for one in asked]
        assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
        assert all("override_used" in codes(answer) for answer in answers if not answer.ok)
        assert len(registry.aliases(version.name)) == 1
        assert len(uses_of(registry, version)) == 1


def overdue(registry: Registry, version: Version, piece: Carried, *, days: int = 1) -> str:
    """Uses an override up as another server of this log would have, whose review was due some days ago."""
    now = times.now()
    subject = registry.client.get_registered_model(version.name)
    fields = {
        "decisions": [],
        "verdict": "deny",
        "model": version.name,
        "version": version.number,
        "workspace": "default",
        "created": subject.creation_timestamp,
        "digest": dir_hash(version.files),
        "stage": "production",
        "due": times.render(now - days * DAY),
    }
    signers = [["incident1", "response"], ["incident2", "on-call"]]
    open_log(log_of(registry)).claim([Claim(_id(piece), fields, {"ticket": "INC-17", "signers": signers})])
    # So long may a server take to see what another one used.
    time.sleep(FRESH_SECONDS)
    return _id(piece)


def allowed_soon(registry: Registry) -> tuple[Version, str]:
    """A version with all evidence, of which an override was used whose review is overdue; and its SHA-256."""
    version = denied(registry)
    piece = signed(version)
    attach(registry, version, piece)
    sha256 = overdue(registry, version, piece)
    attach(registry, version, scene_of(version).of("audit"))
    return version, sha256


def reviewed(version: Version, sha256: str, signers: list[str], **changes: Any) -> Carried:
    content = override_review(sha256, learnt=f"Lesson {next(_numbers)}")
    return scene_of(version).signed(content, signers, **{"issued_at": times.now() + timedelta(seconds=2), **changes})


def test_a_review_that_is_overdue_refuses_the_next_promotion_until_it_is_there(registry: Registry) -> None:
    version, sha256 = allowed_soon(registry)
    answer = promoted(registry, version)
    assert "override_review_overdue" in codes(answer)
    [use] = uses_of(registry, version)
    for part in ("INC-17", f"row {use.entry.seq}", times.render(use.due), sha256):  # type: ignore[arg-type]
        assert part in answer.json()["message"]
    for signers, why in {
        ("incident2",): "signed by nobody but signers of the override",
        ("owner",): "",
        ("trainer",): "",
        ("auditor",): "",
    }.items():
        attach(registry, version, reviewed(version, sha256, list(signers)))
        answer = promoted(registry, version)
        assert "override_review_overdue" in codes(answer), signers
        assert why in answer.json()["message"]
    attach(registry, version, reviewed(version, sha256, ["risk"], issued_at=times.parse(use.entry.at) - HOUR))
    assert "was signed before the override was used" in promoted(registry, version).json()["message"]
    assert registry.aliases(version.name) == {}
    attach(registry, version, reviewed(version, sha256, ["risk"]))
    assert promoted(registry, version).ok
    [use] = uses_of(registry, version)
    assert use.review
    assert use.review.fields["outcome"] == "justified"


def test_an_overdue_review_does_not_stay_behind_with_the_name_or_the_bytes(registry: Registry) -> None:
    version, _ = allowed_soon(registry)
    newer = registry.added(version.name)
    digest = dir_hash(newer.files)
    attach(registry, newer, *Scene(version.name, digest, times.now()).sound("system"))
    assert "override_review_overdue" in codes(promoted(registry, newer))
    # Renamed, and its other version promoted under the new name.
    new = registry.new_name("renamed")
    registry.client.rename_registered_model(version.name, new)
    assert "override_review_overdue" in codes(promoted(registry, replace(newer, name=new)))
    # The same bytes as a copy, in a registered model of another name.
    target = registry.new_name("copied")
    copied = registry.client.copy_model_version(f"models:/{new}/{version.number}", target)
    copy = replace(version, name=target, number=str(copied.version))
    assert "override_review_overdue" in codes(promoted(registry, copy))
    # The name, taken again for other bytes.
    again = registry.registered()
    registry.client.rename_registered_model(again.name, version.name)
    assert "override_review_overdue" in codes(promoted(registry, replace(again, name=version.name)))


def test_a_review_counts_wherever_it_was_attached(registry: Registry) -> None:
    version, sha256 = allowed_soon(registry)
    elsewhere = registry.registered()
    attach(registry, elsewhere, reviewed(version, sha256, ["risk"]))
    assert promoted(registry, version).ok


def test_a_review_that_is_judged_by_the_people_of_a_copy_frees_the_copy_alone(registry: Registry) -> None:
    target = registry.new_name("copied")

    def scene(name: str, digest: str) -> Scene:
        return Scene(name, digest, times.now(), also=target)

    version = registry.registered(tagged=lambda name, digest: Tags({}, dict(keyed(scene(name, digest).sound()))))
    sha256 = overdue(registry, version, signed(version))
    assert "override_review_overdue" in codes(promoted(registry, version))
    content = override_review(sha256, learnt=f"Lesson {next(_numbers)}")
    later = times.now() + timedelta(seconds=2)
    review = scene(version.name, dir_hash(version.files)).signed(content, ["risk"], issued_at=later)
    copied = registry.client.copy_model_version(f"models:/{version.name}/{version.number}", target)
    copy = replace(version, name=target, number=str(copied.version))
    attach(registry, copy, review)
    answer = promoted(registry, copy)
    assert answer.ok, answer.text
    [use] = uses_of(registry, version)
    assert use.review is None
    assert promoted(registry, version).ok
    [use] = uses_of(registry, version)
    assert use.review


def test_in_an_emergency_another_override_counts_though_a_review_is_overdue(registry: Registry) -> None:
    version = denied(registry)
    overdue(registry, version, signed(version, issued_at=times.now() - HOUR))
    assert {"override_review_overdue"} <= codes(promoted(registry, version))
    attach(registry, version, signed(version))
    assert promoted(registry, version).ok
    assert len(uses_of(registry, version)) == 2


def test_what_is_overridden_can_always_be_taken_out(registry: Registry) -> None:
    version, _ = allowed_soon(registry)
    attach(registry, version, signed(version))
    assert promoted(registry, version).ok
    registry.client.delete_registered_model_alias(version.name, "production")
    registry.client.transition_model_version_stage(version.name, version.number, "Archived")
    assert registry.aliases(version.name) == {}
