# SPDX-License-Identifier: Apache-2.0
"""Evidence attached and listed by the command line, on a real gated server that trusts the keyring's organisation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.errors import UsageError
from qaqpa.evidence.envelope import parse_envelope
from qaqpa.mlflow.attaching import MODEL_TAG_CHARACTERS, VERSION_TAG_CHARACTERS, attach, listed, outside
from support.contents import contents, context
from support.directories import keys_of, named, write_trust, write_yaml
from support.keyring import signing_key
from support.registry import Registry, Version
from support.statements import SIGNERS, stage_option

pytestmark = pytest.mark.server

Capture = pytest.CaptureFixture[str]
NOBODY: list[str] = []
KEY = "qaqpa.evidence.bias.0123456789abcdef"


@dataclass(frozen=True)
class Desk:
    """Where somebody attests: a model version, a working directory, and the options that every command needs."""

    registry: Registry
    version: Version
    here: Path
    config: str

    @property
    def uri(self) -> str:
        return f"models:/{self.version.name}/{self.version.number}"

    @property
    def server(self) -> list[str]:
        return ["--registry-uri", self.registry.server.url, "--config", self.config]

    def attest(self, kind: str, signers: Sequence[str] | None = None, *more: str, **changes: Any) -> int:
        full = {"system": context(models=[{"name": self.version.name}]), **contents(times.now())}
        draft = self.here / f"{kind}.yaml"
        write_yaml(draft, {**named(full[kind]), **changes})
        keys = keys_of(self.here, SIGNERS[kind] if signers is None else signers)
        return main(["attest", kind, str(draft), "--model", self.uri, *self.server, *keys, *stage_option(kind), *more])

    def tags(self) -> dict[str, str]:
        client = self.registry.client
        own = client.get_model_version(self.version.name, self.version.number).tags
        tags: dict[str, str] = {**client.get_registered_model(self.version.name).tags, **own}
        return {key: value for key, value in tags.items() if key.startswith("qaqpa.evidence.")}


@pytest.fixture
def desk(sqlite_registry: Registry, tmp_path: Path) -> Desk:
    config = write_trust(tmp_path / "config")
    return Desk(sqlite_registry, sqlite_registry.registered(), tmp_path, str(config))


def test_a_version_whose_evidence_is_signed_passes_and_is_promoted(desk: Desk, capsys: Capture) -> None:
    for kind in ("system", "responsibility", *(name for name in contents(times.now()) if name != "responsibility")):
        assert desk.attest(kind) == 0
    assert "Seen from here, it counts in production" in capsys.readouterr().out
    assert main(["check", desk.uri, *desk.server]) == 0
    assert desk.registry.set_alias(desk.version, "production").ok
    capsys.readouterr()
    assert main(["evidence", "list", desk.uri, *desk.server]) == 0
    out = capsys.readouterr().out
    assert "signed by auditor; tag\n" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_second_signer_adds_to_what_is_attached_and_no_signature_is_lost(desk: Desk, capsys: Capture) -> None:
    assert desk.attest("system") == 0
    assert desk.attest("audit", ["auditor"], "--no-upload") == 0
    [made] = Path.cwd().glob("audit.*.json")
    for signer in ("auditor", "auditor2"):
        target = ["--model", desk.uri, *desk.server]
        copy = desk.here / f"{signer}.json"
        copy.write_text(made.read_text("utf-8"), encoding="utf-8")
        assert main(["attest", "audit", str(copy), *target, *keys_of(desk.here, [signer])]) == 0
    [text] = [value for key, value in desk.tags().items() if ".audit." in key]
    found = {key_id for key_id, _ in parse_envelope(text).signatures}
    assert found == {signing_key("auditor").key_id, signing_key("auditor2").key_id}
    # Without a key, what is there already is attached again, and takes nothing away.
    assert main(["attest", "audit", str(made), "--model", desk.uri, *desk.server]) == 0
    assert {text} >= {value for key, value in desk.tags().items() if ".audit." in key}
    assert "with 2 signatures, 0 made now" in capsys.readouterr().out


def test_replace_takes_away_only_what_nobody_signed(desk: Desk, capsys: Capture) -> None:
    assert desk.attest("bias", NOBODY, tested_on="2026-01-01") == 0
    assert desk.attest("bias", ["trainer"], tested_on="2026-01-02") == 0
    signed = {key for key, value in desk.tags().items() if "payloadType" in value}
    declared = set(desk.tags()) - signed
    capsys.readouterr()
    assert desk.attest("bias", ["trainer"], "--replace") == 0
    captured = capsys.readouterr()
    assert f"took away {next(iter(declared))} (nobody had signed it)" in captured.out
    assert "1 other statement(s) of this kind count too" in captured.err
    assert "withdraw" in captured.err
    assert signed < set(desk.tags())
    assert not declared & set(desk.tags())


def test_a_failed_audit_of_the_same_bytes_is_not_left_behind_by_registering_them_again(
    desk: Desk, capsys: Capture
) -> None:
    for kind in ("system", "responsibility"):
        assert desk.attest(kind) == 0
    assert desk.attest("audit", conclusion="negative") == 0
    number = desk.registry.client.create_model_version(desk.version.name, desk.version.source, desk.version.run_id)
    again = f"models:/{desk.version.name}/{number.version}"
    capsys.readouterr()
    assert main(["evidence", "list", again, *desk.server, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [audit] = [fact for fact in document["counts"] if fact["kind"] == "audit"]
    assert audit["source"].startswith(
        f"version {desk.version.number} of {desk.version.name}, tag qaqpa.evidence.audit."
    )
    other = desk.registry.added(desk.version.name)
    found = outside(f"models:/{other.name}/{other.number}", "0" * 64, desk.registry.server.url)
    assert not [piece for piece in found.carried if piece.kind == "audit"], "it is about other bytes"


def test_what_a_client_finds_recorded_is_not_trusted(desk: Desk) -> None:
    found = outside(desk.uri, None, desk.registry.server.url)
    assert found.people
    assert {person.trusted for person in found.people} == {False}


def test_waivers_of_the_whole_registry_are_listed_without_reading_bytes(desk: Desk, capsys: Capture) -> None:
    for kind in ("system", "responsibility"):
        assert desk.attest(kind) == 0
    why = ["--reason", "Late", "--ticket", "T-1", "--requested-by", "owner", "--days", "5"]
    options = ["--model", desk.uri, "--control", "AUD-01", *why, *desk.server, *keys_of(desk.here, ["risk"])]
    assert main(["waive", *options]) == 0
    capsys.readouterr()
    assert main(["waivers", *desk.server, "--expiring-in", "14d", "--format", "json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    [waiver] = [one for one in found["waivers"] if one["model"] == desk.version.name]
    assert (waiver["version"], waiver["signers"], waiver["code"]) == (desk.version.number, ["risk"], "")
    assert found["bytes_hashed"] is False
    assert "model files were not read" in captured.err
    assert main(["waivers", *desk.server]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


@pytest.mark.parametrize("name", ["it's", 'a "b" c', 'it\'s "both"'])
def test_a_name_with_quotes_is_found(desk: Desk, name: str) -> None:
    client, url = desk.registry.client, desk.registry.server.url
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, desk.version.source, desk.version.run_id)
    client.set_model_version_tag(name, "1", "qaqpa.evidence.bias.x", "junk")
    assert outside(f"models:/{name}/2", None, url).carried == (), "what cannot be read stays with its own version"
    assert [one.subject.version for one in listed(url) if one.subject.name == name] == ["1"]


def _no_other(text: str, there: str) -> str:
    del there
    return text


def test_evidence_about_a_system_goes_to_the_registered_model(sqlite_registry: Registry) -> None:
    version = sqlite_registry.registered()
    target, url = f"models:/{version.name}/{version.number}", sqlite_registry.server.url
    assert (
        attach(target, KEY, "a", bound_to_system=True, combined=_no_other, registry_uri=url).where == "registered model"
    )
    assert attach(target, KEY, "b", bound_to_system=False, combined=_no_other, registry_uri=url).where == "version"
    assert sqlite_registry.client.get_registered_model(version.name).tags == {KEY: "a"}
    assert sqlite_registry.client.get_model_version(version.name, version.number).tags == {KEY: "b"}


def test_the_longest_tags_fit_in_postgresql(psycopg2_registry: Registry) -> None:
    version = psycopg2_registry.registered()
    target, url = f"models:/{version.name}/{version.number}", psycopg2_registry.server.url
    longest = "я" * MODEL_TAG_CHARACTERS
    assert (
        attach(target, KEY, longest, bound_to_system=True, combined=_no_other, registry_uri=url).where
        == "registered model"
    )
    assert (
        attach(target, KEY, f"{longest}я", bound_to_system=True, combined=_no_other, registry_uri=url).where
        == "version"
    )
    assert (
        attach(
            target, KEY, "я" * VERSION_TAG_CHARACTERS, bound_to_system=False, combined=_no_other, registry_uri=url
        ).where
        == "version"
    )
    with pytest.raises(UsageError, match="at most 100000"):
        attach(
            target, KEY, "я" * (VERSION_TAG_CHARACTERS + 1), bound_to_system=False, combined=_no_other, registry_uri=url
        )
