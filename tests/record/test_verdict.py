# SPDX-License-Identifier: Apache-2.0
"""What a verdict says of a decision, and what no verdict is signed for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import __version__, times
from qaqpa.config import Config, Observe, VerdictSettings
from qaqpa.documents import validator
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.trust import Trust
from qaqpa.model import Rollback, Settings, Stage, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.machine import WASMTIME
from qaqpa.record import summary
from qaqpa.record.configuration import canonical_sha256, effective
from support.contents import contents, waiver
from support.keyring import trusted
from support.statements import DIGEST, NOW, SUBJECT, carried, everything, payload, request
from support.verdicts import judged, predicate, statement

DAY = timedelta(days=1)


def without(kind: str) -> list[Any]:
    return [piece for piece in everything() if piece.kind != kind]


def test_an_allow_is_a_passed_summary_about_these_bytes_at_this_stage(engine: EmbeddedEngine) -> None:
    config = Config(verdict=VerdictSettings(verifier="urn:acme:gate", registry="https://mlflow.acme.example"))
    found = statement(judged(engine, config=config))
    assert validator("verdict").is_valid(found)
    assert found["subject"] == [{"name": "models:/credit/7", "digest": {"dirHash": DIGEST, "sha256": DIGEST}}]
    body = found["predicate"]
    assert body["verifier"] == {"id": "urn:acme:gate", "version": {"qaqpa": __version__, "wasmtime": WASMTIME}}
    assert body["timeVerified"] == "2026-11-23T00:00:00Z"
    assert body["resourceUri"] == (
        "pkg:mlflow/credit@7?repository_url=https%3A%2F%2Fmlflow.acme.example&stage=production"
    )
    assert body["policy"]["digest"] == {"sha256": engine.policy_digest}
    assert body["verificationResult"] == "PASSED"
    assert body["verifiedLevels"] == [
        "QAQPA_STAGE_PRODUCTION",
        "QAQPA_EVIDENCE_SIGNED",
        "QAQPA_PROFILE_ARTICLE_BASELINE",
    ]
    assert (body[summary.STAGE], body[summary.DECISION], body[summary.MODE]) == ("production", "allow", "enforce")
    assert body[summary.EXPIRES] == "2026-12-22T00:00:01Z", "the release approval is too old then"


def test_every_statement_that_was_heard_is_listed_by_its_payload(engine: EmbeddedEngine) -> None:
    judgement = judged(engine)
    listed = predicate(judgement)["inputAttestations"]
    assert {one["digest"]["sha256"] for one in listed} == {fact.id for fact in judgement.request.evidence}
    audit = next(fact for fact in judgement.request.evidence if fact.kind == "audit")
    assert {
        "uri": f"urn:qaqpa:statement:{audit.id}",
        "digest": {"sha256": audit.id},
        "mediaType": "application/vnd.in-toto+json",
        "annotations": {"kind": "audit", "strength": "independent"},
    } in listed


def test_digests_of_what_decided_are_those_of_the_very_files(engine: EmbeddedEngine, tmp_path: Path) -> None:
    source = trusted(tmp_path, NOW)
    trust = Trust(source)
    asked = request(everything(), trust=trust)
    config = Config(parties=source)
    body = predicate(judged(engine, asked=asked, config=config))
    parties = trust.parties(NOW)
    assert len(parties.digest) == 64
    assert body[summary.PARTIES] == {"sha256": parties.digest, "version": 1}
    assert body[summary.CONTEXT] == asked.context_digest
    own = canonical_sha256(engine.catalog.profiles["article-baseline"])
    assert body[summary.PROFILES] == [{"id": "article-baseline", "sha256": own, "waived": False}]
    assert body[summary.CONFIGURATION] == canonical_sha256(effective(config, asked))


def test_configuration_digest_follows_what_decides_and_no_path(engine: EmbeddedEngine, tmp_path: Path) -> None:
    asked = request(everything())

    def digest(config: Config, settings: Settings | None = None) -> str:
        return canonical_sha256(effective(config, replace(asked, settings=settings or Settings())))

    source = trusted(tmp_path, NOW)
    plain = digest(Config())
    assert digest(Config(path=tmp_path / "qaqpa.yaml", verdict=VerdictSettings(key=tmp_path / "key"))) == plain
    elsewhere = replace(source, file=tmp_path / "other", state=tmp_path)
    assert digest(Config(parties=source)) == digest(Config(parties=elsewhere))
    others = [
        digest(Config(parties=source)),
        digest(Config(parties=replace(source, threshold=1))),
        digest(Config(verdict=VerdictSettings(days=7))),
        digest(Config(), Settings(thresholds={"TRN-01": {"max_age_days": 100}})),
        digest(Config(), Settings(raised=("TRN-02",))),
    ]
    assert len({plain, *others}) == len(others) + 1
    assert predicate(judged(engine))[summary.CONFIGURATION] == plain


def test_a_deny_is_attested_and_names_no_level(engine: EmbeddedEngine) -> None:
    body = predicate(judged(engine, without("audit")))
    assert (body["verificationResult"], body["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert body[summary.DECISION] == "deny"
    assert summary.EXPIRES not in body
    assert "AUD-01" in body[summary.UNMET]["controls"]


def test_undecided_is_attested_as_failed(engine: EmbeddedEngine) -> None:
    asked = request(everything(), profiles=["nope", "article-baseline"])
    found = statement(judged(engine, asked=asked))
    body = found["predicate"]
    assert validator("verdict").is_valid(found)
    assert (body["verifiedLevels"], body[summary.DECISION]) == (["FAILED"], "undecided")
    assert body[summary.UNMET]["problems"] == ["unknown_profile"]
    assert [profile["id"] for profile in body[summary.PROFILES]] == ["article-baseline"]


def test_a_waiver_is_a_level_and_its_profile_loses_the_plain_one(engine: EmbeddedEngine) -> None:
    granted = carried(waiver(), expires_at=NOW + 9 * DAY)
    [control] = waiver()["controls"]
    missing = {"TRN-01": "model_card", "TRN-02": "explanation", "AUD-01": "audit"}[control]
    judgement = judged(engine, [*without(missing), granted])
    assert judgement.decision.verdict is Verdict.ALLOW
    body = predicate(judgement)
    level = f"QAQPA_WAIVED_{control.replace('-', '_')}"
    assert body["verifiedLevels"][2:] == ["QAQPA_PROFILE_ARTICLE_BASELINE_WITH_WAIVERS", level]
    assert body[summary.WAIVERS][0]["control"] == control
    assert body[summary.PROFILES][0]["waived"] is True
    assert body[summary.EXPIRES] == times.render(NOW + 9 * DAY)
    assert body[summary.WAIVERS][0]["statement"] in {one["digest"]["sha256"] for one in body["inputAttestations"]}


def test_unsigned_evidence_at_staging_is_said_to_be_declared(engine: EmbeddedEngine) -> None:
    unsigned = carried(contents(NOW)["model_card"], [])
    pieces = [piece for piece in everything(stage=Stage.STAGING) if piece.kind != "model_card"]
    judgement = judged(engine, [*pieces, unsigned], stage=Stage.STAGING)
    assert judgement.decision.verdict is Verdict.ALLOW
    body = predicate(judgement)
    assert body["verifiedLevels"][:2] == ["QAQPA_STAGE_STAGING", "QAQPA_EVIDENCE_DECLARED"]
    assert "declared" in {one["annotations"]["strength"] for one in body["inputAttestations"]}


def test_hostile_names_stay_inside_the_package_url(engine: EmbeddedEngine) -> None:
    name = "cr\u00e9dit?stage=staging&x@9/../\n"
    uri = summary.resource_uri(summary.Model(name, "7", workspace="a&stage=staging"), Stage.PRODUCTION)
    assert uri == (
        "pkg:mlflow/cr%C3%A9dit%3Fstage%3Dstaging%26x%409%2F..%2F%0A@7?stage=production&workspace=a%26stage%3Dstaging"
    )
    with pytest.raises(UndecidedError, match="cannot be put together"):
        statement(judged(engine, asked=request([], subject=replace(SUBJECT, name="\ud800"))))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"stage": Stage.REVIEW}, "no verdict at review"),
        ({"as_of": True}, "as of another day"),
        ({"rollback": Rollback(2, NOW, frozenset())}, "no verdict on a rollback"),
        ({"config": Config(observe=(Observe(("cred*",), date.max),))}, "only observed"),
    ],
)
def test_what_no_verdict_is_signed_for(engine: EmbeddedEngine, more: dict[str, Any], said: str) -> None:
    if "config" in more:
        until = (times.now() + 10 * DAY).date()
        more = {"config": Config(observe=(Observe(("cred*",), until),))}
    with pytest.raises(UsageError, match=said):
        statement(judged(engine, **more))


def test_without_bytes_there_is_nothing_to_attest(engine: EmbeddedEngine) -> None:
    asked = request(everything(), subject=replace(SUBJECT, digest=None))
    with pytest.raises(UndecidedError, match="which bytes"):
        statement(judged(engine, asked=asked))
    assert payload(contents(NOW)["audit"])
