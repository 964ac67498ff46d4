# SPDX-License-Identifier: Apache-2.0
"""Attacks on the verdict that travels: each must be refused, whatever else is right about it."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.errors import UndecidedError
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.envelope import IN_TOTO, sign
from qaqpa.evidence.keys import openssh
from qaqpa.evidence.trust import PARTIES_TYPE
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record import summary
from qaqpa.record.attest import BUNDLE_FILE, BUNDLE_TYPE, DSSE_FILE, signed_files
from qaqpa.record.reading import read_envelope
from qaqpa.record.verify import verify
from support.contents import contents
from support.directories import signed_system, write_trust
from support.keyring import private_key_file, signing_key
from support.statements import NOW, carried, everything
from support.verdicts import GATE, changed, judged, moved, requirements, statement

ATTACKER = signing_key("attacker", 1)
DAY = timedelta(days=1)
META = "model_name: credit\nmodel_version: '7'\n"


@pytest.fixture(scope="module")
def made(engine: EmbeddedEngine) -> dict[str, dict[str, Any]]:
    denied = [piece for piece in everything() if piece.kind != "audit"]
    return {"passed": statement(judged(engine)), "failed": statement(judged(engine, denied))}


@pytest.fixture
def scene(here: Path, made: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A model, the gate's public key, and the statements of a verdict that passed and of one that failed about it."""
    (here / "model").mkdir()
    (here / "model" / "MLmodel").write_text("flavors: {}\n")
    (here / "gate.pub").write_text(openssh(GATE.public_key))
    now = times.now()
    digest = dir_hash("model")
    return {name: moved(found, digest, now - DAY, now + 9 * DAY) for name, found in made.items()}


def outcome(text: str, *more: str, name: str = DSSE_FILE) -> int:
    Path(name).write_text(text, encoding="utf-8")
    asked = ["--gate-key", "gate.pub", "--profile", "article-baseline", "--model", "credit"]
    return main(["verify", "model", "--verdict", name, *asked, *more])


def dsse(found: dict[str, Any] | bytes, *keys: Any, payload_type: str = IN_TOTO) -> dict[str, Any]:
    payload = found if isinstance(found, bytes) else json.dumps(found).encode()
    value: dict[str, Any] = json.loads(sign(payload, payload_type, keys or [GATE]))
    return value


def b64(found: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(found).encode()).decode()


def test_the_scene_itself_holds(scene: dict[str, dict[str, Any]]) -> None:
    assert outcome(json.dumps(dsse(scene["passed"]))) == 0
    assert outcome(json.dumps(dsse(scene["failed"]))) == 3


def test_a_verdict_signed_by_the_attacker(scene: dict[str, dict[str, Any]]) -> None:
    assert outcome(json.dumps(dsse(scene["passed"], ATTACKER))) == 3


def test_the_gates_key_id_on_the_attackers_signature(scene: dict[str, dict[str, Any]]) -> None:
    envelope = dsse(scene["passed"], ATTACKER)
    envelope["signatures"][0]["keyid"] = GATE.key_id
    assert outcome(json.dumps(envelope)) == 3


def test_the_attackers_verdict_beside_the_gates_signature_over_something_else(
    scene: dict[str, dict[str, Any]],
) -> None:
    envelope = dsse(scene["passed"], ATTACKER)
    envelope["signatures"] += dsse(scene["failed"])["signatures"]
    assert outcome(json.dumps(envelope)) == 3


def test_the_gates_signature_moved_to_another_payload(scene: dict[str, dict[str, Any]]) -> None:
    assert outcome(json.dumps({**dsse(scene["failed"]), "payload": b64(scene["passed"])})) == 3


def test_a_second_payload_beside_the_signed_one(scene: dict[str, dict[str, Any]]) -> None:
    envelope = dsse(scene["failed"])
    text = json.dumps(envelope)
    assert outcome(f'{{"payload": "{b64(scene["passed"])}", {text[1:]}') == 4
    assert outcome(json.dumps({**envelope, "Payload": b64(scene["passed"])})) == 4


def test_a_bundle_around_another_envelope(scene: dict[str, dict[str, Any]]) -> None:
    bundle = json.loads(signed_files(json.dumps(scene["failed"]).encode(), GATE)[BUNDLE_FILE])
    assert outcome(json.dumps(bundle), name=BUNDLE_FILE) == 3
    mixed = {**bundle, **dsse(scene["passed"], ATTACKER)}
    assert outcome(json.dumps(mixed), name=BUNDLE_FILE) == 4
    hinted = {**bundle, "dsseEnvelope": dsse(scene["passed"], ATTACKER)}
    assert hinted["verificationMaterial"]["publicKey"]["hint"] == GATE.key_id
    assert outcome(json.dumps(hinted), name=BUNDLE_FILE) == 3


def test_a_certificate_of_the_attacker_in_the_bundle(scene: dict[str, dict[str, Any]]) -> None:
    bundle = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"certificate": {"rawBytes": "AAAA"}},
        "dsseEnvelope": dsse(scene["passed"], ATTACKER),
    }
    assert outcome(json.dumps(bundle), name=BUNDLE_FILE) == 3


def test_evidence_and_a_parties_file_that_the_gates_key_signed_are_no_verdict(scene: dict[str, dict[str, Any]]) -> None:
    evidence = carried(contents(NOW)["audit"], []).text.encode()
    assert outcome(json.dumps(dsse(evidence))) == 3
    for payload_type in (PARTIES_TYPE, "application/json", "application/vnd.in-toto.statement+json"):
        assert outcome(json.dumps(dsse(scene["passed"], payload_type=payload_type))) == 3


def _fail_with_levels(found: dict[str, Any]) -> None:
    found["predicate"]["verificationResult"] = "FAILED"


def _pass_after_deny(found: dict[str, Any]) -> None:
    found["predicate"][summary.DECISION] = "deny"


def _two_subjects(found: dict[str, Any]) -> None:
    found["subject"].insert(0, {"name": "other", "digest": {"dirHash": "00" * 32, "sha256": "00" * 32}})


def _two_digests(found: dict[str, Any]) -> None:
    found["subject"][0]["digest"]["sha256"] = "00" * 32


def _no_end(found: dict[str, Any]) -> None:
    del found["predicate"][summary.EXPIRES]


def _time_without_zone(found: dict[str, Any]) -> None:
    found["predicate"][summary.EXPIRES] = "2099-01-01T00:00:00"


def _far_end(found: dict[str, Any]) -> None:
    found["predicate"][summary.EXPIRES] = "2099-01-01T00:00:00Z"


def _from_the_future(found: dict[str, Any]) -> None:
    found["predicate"]["timeVerified"] = times.render(times.now() + timedelta(hours=1))


def _staging_level(found: dict[str, Any]) -> None:
    found["predicate"][summary.STAGE] = "staging"


def _other_resource(found: dict[str, Any]) -> None:
    found["predicate"]["resourceUri"] = "pkg:mlflow/credit@7?stage=staging"


def _hidden_waiver(found: dict[str, Any]) -> None:
    found["predicate"]["verifiedLevels"].append("QAQPA_WAIVED_TRN_01")


def _hidden_profile(found: dict[str, Any]) -> None:
    found["predicate"]["verifiedLevels"].append("QAQPA_PROFILE_KZ")


@pytest.mark.parametrize(
    "change",
    [
        *(_fail_with_levels, _pass_after_deny, _two_subjects, _two_digests, _no_end, _time_without_zone, _far_end),
        *(_from_the_future, _staging_level, _other_resource, _hidden_waiver, _hidden_profile),
    ],
)
def test_what_the_gate_would_never_sign_is_refused_even_with_its_signature(
    scene: dict[str, dict[str, Any]], change: Callable[[dict[str, Any]], None]
) -> None:
    assert outcome(json.dumps(dsse(changed(scene["passed"], change)))) == 3


def test_a_key_that_stands_twice_in_the_payload(scene: dict[str, dict[str, Any]]) -> None:
    text = json.dumps(scene["failed"])
    twice = text.replace(
        '"verificationResult": "FAILED"', '"verificationResult": "FAILED", "verificationResult": "PASSED"'
    )
    assert twice != text
    assert outcome(json.dumps(dsse(twice.encode()))) == 3


def test_the_verdict_of_another_model_of_another_workspace_or_registry(scene: dict[str, dict[str, Any]]) -> None:
    def named(model: summary.Model) -> dict[str, Any]:
        def change(found: dict[str, Any]) -> None:
            body = found["predicate"]
            body[summary.SUBJECT].update(name=model.name, workspace=model.workspace, registry=model.registry)
            body["resourceUri"] = summary.resource_uri(model, summary.Stage.PRODUCTION)

        return dsse(changed(scene["passed"], change))

    own = summary.Model("credit", "7", registry="urn:acme:mlflow")
    assert outcome(json.dumps(named(own)), "--registry", "urn:acme:mlflow") == 0
    assert outcome(json.dumps(named(own)), "--registry", "urn:acme:test") == 3
    assert outcome(json.dumps(named(summary.Model("harmless", "7")))) == 3
    assert outcome(json.dumps(named(summary.Model("credit", "7", workspace="sandbox")))) == 3


def test_an_old_pass_that_is_shown_again_after_a_deny(scene: dict[str, dict[str, Any]]) -> None:
    """Nothing offline can know of the later deny; how old a verdict may be is for whoever deploys to say."""
    assert outcome(json.dumps(dsse(scene["passed"]))) == 0
    assert outcome(json.dumps(dsse(scene["passed"])), "--max-age", "23h") == 3


def test_code_hidden_in_the_file_that_mlflow_writes(scene: dict[str, dict[str, Any]], here: Path) -> None:
    meta = here / "model" / "registered_model_meta"
    meta.write_text(META)
    assert outcome(json.dumps(dsse(scene["passed"]))) == 0
    for hostile in (f"{META}# import os\n", "import os\n", META.replace("credit", "!!python/object x")):
        meta.write_text(hostile)
        assert outcome(json.dumps(dsse(scene["passed"]))) == 3
    meta.unlink()
    (here / "model" / "data").mkdir()
    (here / "model" / "data" / "registered_model_meta").write_text(META)
    assert outcome(json.dumps(dsse(scene["passed"]))) == 3


def test_a_file_more_a_file_less_and_a_file_renamed(scene: dict[str, dict[str, Any]], here: Path) -> None:
    text = json.dumps(dsse(scene["passed"]))
    for name in (".git/hooks/x", "__pycache__/x.pyc", "MLmodel.bak", ".qaqpaignore"):
        (here / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "model" / name).write_text("x")
        assert outcome(text) == 3
        (here / "model" / name).unlink()
    (here / "model" / "MLmodel").rename(here / "model" / "mlmodel")
    assert outcome(text) == 3


def test_any_byte_of_the_envelope_that_is_changed(scene: dict[str, dict[str, Any]], here: Path) -> None:
    raw, path = json.dumps(dsse(scene["passed"]), separators=(",", ":")).encode(), here / "changed.json"
    digest, asked = dir_hash("model"), requirements()
    path.write_bytes(raw)
    assert verify(read_envelope(path), digest, asked, times.now()).holds
    for position in [*range(0, len(raw), 23), *range(len(raw) - 250, len(raw))]:
        changed_bytes = bytearray(raw)
        changed_bytes[position] ^= 1
        path.write_bytes(changed_bytes)
        with contextlib.suppress(UndecidedError):
            assert not verify(read_envelope(path), digest, asked, times.now()).holds, position


def test_requirements_that_come_with_the_model(scene: dict[str, dict[str, Any]], here: Path) -> None:
    shutil.copy(here / "gate.pub", here / "model" / "gate.pub")
    (here / "linked.pub").symlink_to("model/gate.pub")
    Path(DSSE_FILE).write_text(json.dumps(dsse(scene["passed"])))
    for key in ("model/gate.pub", "linked.pub", "./model/../model/gate.pub"):
        asked = ["--gate-key", key, "--profile", "article-baseline", "--model", "credit"]
        assert main(["verify", "model", "--verdict", DSSE_FILE, *asked]) == 2


def test_permissions_that_come_with_the_model_are_not_kept(scene: dict[str, dict[str, Any]], here: Path) -> None:
    model = here / "model"
    (model / "open").mkdir()
    for name, mode in (("run", 0o6777), ("open/data", 0o666)):
        (model / name).write_text("x")
        (model / name).chmod(mode)
    (model / "open").chmod(0o2777)
    model.chmod(0o1777)
    about = moved(scene["passed"], dir_hash(model), times.now() - DAY, times.now() + 9 * DAY)
    assert outcome(json.dumps(dsse(about)), "--into", "served") == 0
    served = here / "served"
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (served, *served.rglob("*"))}
    assert modes == {"served": 0o755, "open": 0o755, "run": 0o755, "data": 0o644, "MLmodel": 0o644}


def test_a_report_that_cannot_be_written_leaves_no_pass_behind(here: Path) -> None:
    signed_system(here / "system")
    write_trust(here / "trust")
    key = private_key_file(here, "gate", 1)
    asked = ["check", "system", "--stage", "production", "--name", "credit", "--config", "trust/qaqpa.yaml"]
    command = [sys.executable, "-m", "qaqpa.cli.main", *asked, "--verdict", "out", "--gate-key", str(key)]
    with Path("/dev/full").open("wb") as full:
        for more, output, errors in (
            (["--format", "json=/dev/full"], None, None),
            (["--format", "json"], full, None),
            (["--format", "json"], None, full),
        ):
            done = subprocess.run([*command, *more], check=False, stdout=output, stderr=errors, timeout=60)
            assert done.returncode not in {0, 3}
            assert not list((here / "out").glob("*"))
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
    assert sorted(path.name for path in (here / "out").iterdir()) == [DSSE_FILE, BUNDLE_FILE]
