# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain` and `qaqpa doctor`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import __version__, times
from qaqpa.cli import doctor
from qaqpa.cli.main import main
from qaqpa.evidence.kinds import kind, kinds
from qaqpa.model import Decision, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES

Capture = pytest.CaptureFixture[str]


def test_without_an_id_it_lists_controls_profiles_kinds_and_codes(
    here: Path, capsys: Capture, engine: EmbeddedEngine
) -> None:
    assert here
    assert main(["explain"]) == 0
    listed, codes = capsys.readouterr().out.split("\n\nCodes of evidence that is refused\n")
    first = [line.split("  ")[0] for line in listed.splitlines()]
    assert first == [*sorted(engine.catalog.controls), *sorted(engine.catalog.profiles), *kinds()]
    refusals, problems = codes.split("\n\nCodes of problems that keep the gate from deciding\n")
    assert {code.strip() for code in refusals.split(",")} == set(REJECTION_CODES)
    assert {code.strip() for code in problems.split(",")} == set(PROBLEM_CODES)


def test_every_control_is_explained_with_every_field_and_code(
    here: Path, capsys: Capture, engine: EmbeddedEngine
) -> None:
    assert here
    for control, card in engine.catalog.controls.items():
        assert main(["explain", control.lower()]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"{control}  {card['texts']['en']['title']}")
        for title in ("Required", "Strength of its evidence", "Violations", "Rests on", "To mend", "Waiver"):
            assert f"\n{title}\n  " in out
        for title in ("What a pass does not show", "Asked by"):
            assert f"\n{title}\n  " in out
        for name in card["evidence"]:
            assert all(f"  {field}: " in out for field in kind(name).schema["properties"] if field != "kind")
        assert all(f"  {code}: " in out for code in card["texts"]["en"]["violations"])
        assert all(f"  {name}: " in out for name in card.get("thresholds", {}))
        assert "\x1b" not in out


def test_what_is_law_and_what_is_our_default_is_told_apart(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "DPB-01"])
    assert "kz_withdrawal_working_days: 15 (law)" in capsys.readouterr().out
    main(["explain", "TRN-01"])
    assert "max_age_days: 365 (our default)" in capsys.readouterr().out


def test_a_control_says_who_has_to_sign_at_each_stage(here: Path, capsys: Capture) -> None:
    assert here
    strong = "production: signed by somebody independent: nobody who trained, owns or deploys the model, and nobody of"
    signed = "production: signed by somebody whom the parties file names for this kind."
    for name, said in (("AUD-01", strong), ("DPB-01", signed), ("TRN-01", signed), ("audit", strong), ("bias", signed)):
        main(["explain", name])
        out = " ".join(capsys.readouterr().out.split())
        assert "review and staging: what the configuration asks for as minimum_strength" in out
        assert said in out


def test_a_control_says_whether_it_can_be_waived(here: Path, capsys: Capture, engine: EmbeddedEngine) -> None:
    assert here
    seen = set()
    for control, card in engine.catalog.controls.items():
        main(["explain", control])
        out = " ".join(capsys.readouterr().out.split())
        assert ("Waiver It cannot be waived." in out) is not card["waivable"]
        assert ("may waive it, by a signed statement that ends after at most 30 days." in out) is card["waivable"]
        seen.add(card["waivable"])
    assert seen == {True, False}


def test_the_code_of_a_refusal_is_explained_with_how_to_mend_it(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["explain", "not_independent"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("not_independent Why evidence is refused Its signer has a part in what it judges. To mend ")
    assert "Somebody outside must sign" in out
    assert "problem" not in out


@pytest.mark.parametrize("code", sorted({*REJECTION_CODES, *PROBLEM_CODES}))
def test_every_code_is_explained(here: Path, capsys: Capture, code: str) -> None:
    assert here
    assert main(["explain", code]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{code}\n\n")
    assert ("\nWhy evidence is refused\n  " in out) is (code in REJECTION_CODES)
    assert ("\nA problem of the whole decision\n  " in out) is (code in PROBLEM_CODES)
    assert f".{code}" not in out, "it has a text"
    assert "{" not in out


def test_no_code_has_the_name_of_something_else(engine: EmbeddedEngine) -> None:
    names = {*engine.catalog.profiles, *kinds(), *(control.lower() for control in engine.catalog.controls)}
    assert names.isdisjoint({*REJECTION_CODES, *PROBLEM_CODES})


def test_a_profile_is_explained(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["explain", "article-baseline"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "HOV-01 (deny): A human takes the final decision" in out
    assert "AUD-02 (deny; only warns where the context says public_sector: false): Comm" in out
    assert (
        "Parameters NDQ-02 attributes: sex, nationality_or_ethnicity, language, age, residence, disability, prop" in out
    )


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_kind_of_evidence_is_explained_with_every_field(here: Path, capsys: Capture, name: str) -> None:
    assert here
    assert main(["explain", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}  {kind(name).title}")
    for title in ("Description", "About", "Supplied by", "Read by", "Fields"):
        assert f"\n{title}\n  " in out
    assert all(f"  {field} (" in out for field in kind(name).schema["properties"] if field != "kind")


def test_a_kind_says_what_it_is_about_who_supplies_and_who_reads_it(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "audit"])
    out = " ".join(capsys.readouterr().out.split())
    assert "the model (void when one byte changes) and the system (void when its context changes)" in out
    assert "Supplied by independent auditor Strength review and staging: what" in out
    assert "Read by AUD-01: Independent audit" in out
    assert "report (asked for by AUD-01): The audit report. report.uri (required): " in out
    assert "findings[].severity (required): " in out
    assert "One of: critical, high, medium, low." in out
    assert "Each one of: developer, operator, owner, data_supplier." in out
    main(["explain", "system"])
    out = " ".join(capsys.readouterr().out.split())
    assert (
        "public_sector (may be left out; read by AUD-02, CON-01, DOC-04, DPB-01, IMP-02, NOT-01, NOT-03, TRN-01)" in out
    )
    assert "kz_autonomy (may be left out; read by DOC-01)" in out
    assert "AUD-03: " in out


def test_a_waiver_says_what_it_is_void_for_who_signs_it_and_what_it_can_excuse(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "waiver"])
    out = " ".join(capsys.readouterr().out.split())
    assert "and the stage (void at any other) and the system" in out
    assert "Strength every stage: signed by a risk owner who neither trained nor owns the model" in out
    read_by = out.split("Read by")[1].split("Fields")[0]
    assert "AUD-01: Independent audit" in read_by
    assert "DPB-01" not in read_by
    main(["explain", "withdrawal"])
    out = " ".join(capsys.readouterr().out.split())
    assert "About the statement that it takes back Supplied by whoever signed the statement Read by The gate:" in out


def test_an_unknown_id_exits_with_2_and_lists_what_there_is(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["explain", "\x1b[31m"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    assert "one of ACC-01, " in err
    assert "article-baseline, audit, bias, " in err


def test_doctor_shows_settings_their_sources_and_that_the_engine_denies(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, engine: EmbeddedEngine
) -> None:
    today = times.now().date()
    (here / "qaqpa.yaml").write_text(
        "version: 1\nengine: opa\nobserve:\n"
        f"  - {{models: ['[red]new-*'], until: {today + timedelta(days=1)}}}\n"
        f"  - {{models: ['old-*'], until: {today - timedelta(days=1)}}}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("QAQPA_ENGINE", "embedded")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert f"qaqpa {__version__}" in rows
    assert "configuration qaqpa.yaml from default" in rows
    assert "engine embedded from QAQPA_ENGINE" in rows
    assert any(row.startswith("gate production: @production, @champion") for row in rows)
    assert f"observe [red]new-* NOT ENFORCED until {today + timedelta(days=1)}" in rows
    assert f"observe old-* ended {today - timedelta(days=1)}: enforced" in rows
    assert f"policy digest {engine.policy_digest}" in rows
    asked = len(engine.catalog.asked(["article-baseline"]))
    assert f"a model without evidence is denied ({asked} findings)" in out


def test_doctor_warns_where_nothing_is_gated_as_production(here: Path, capsys: Capture) -> None:
    gate = "  - {stage: STAGE, profiles: [article-baseline], aliases: [live]}\n"
    (here / "qaqpa.yaml").write_text(f"version: 1\ngates:\n{gate.replace('STAGE', 'staging')}", encoding="utf-8")
    assert main(["doctor"]) == 0
    assert "WARNING: no gate has the stage production" in capsys.readouterr().out
    (here / "qaqpa.yaml").write_text(f"version: 1\ngates:\n{gate.replace('STAGE', 'production')}", encoding="utf-8")
    assert main(["doctor"]) == 0
    assert "WARNING: no gate" not in capsys.readouterr().out


def test_doctor_lists_thresholds_that_differ_from_the_cards_and_marks_the_looser(here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text(
        "version: 1\nthresholds:\n"
        "  NDQ-02: {ratio_min_percent: 0, gap_max_percent: 5, max_age_days: 180}\n"
        "  TRN-01: {max_age_days: 400}\n",
        encoding="utf-8",
    )
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "the card says" in line] == [
        "threshold NDQ-02 ratio_min_percent: 0 (the card says 80) LOOSER",
        "threshold NDQ-02 gap_max_percent: 5 (the card says 10)",
        "threshold TRN-01 max_age_days: 400 (the card says 365) LOOSER",
    ]


def test_doctor_says_what_does_not_work(here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "qaqpa.yaml").write_text("version: 1\npolicy: none\n", encoding="utf-8")
    assert main(["doctor"]) == 4
    assert "does not work: " in capsys.readouterr().out
    (here / "qaqpa.yaml").write_text("version: 1\nthresholds: {NOPE-01: {x: 1}}\n", encoding="utf-8")
    assert main(["doctor"]) == 2
    assert "no control 'NOPE-01'" in capsys.readouterr().out
    (here / "qaqpa.yaml").write_text("version: 7\n", encoding="utf-8")
    assert main(["doctor"]) == 2
    assert "qaqpa.yaml:1:10: version" in capsys.readouterr().err
    (here / "qaqpa.yaml").unlink()
    pytest.importorskip("opa_client")
    monkeypatch.setenv("QAQPA_ENGINE", "opa")
    monkeypatch.setenv("QAQPA_OPA_URL", "http://127.0.0.1:9")
    assert main(["doctor"]) == 4
    assert "127.0.0.1:9" in capsys.readouterr().out


def test_doctor_notices_policies_that_deny_nothing(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here
    document = {"findings": [], "problems": [{"code": "x", "detail": "why\x1b"}]}
    lax = Decision(Verdict.ALLOW, document, "0" * 64, "lax")
    monkeypatch.setattr(doctor, "decide", lambda _request, _engine: lax)
    assert main(["doctor"]) == 4
    assert "a model without evidence was not denied: why\\u001b" in capsys.readouterr().out
