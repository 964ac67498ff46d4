# SPDX-License-Identifier: Apache-2.0
"""`qaqpa explain`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qaqpa.cli.main import main
from qaqpa.evidence.kinds import kind, kinds
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.codes import PROBLEM_CODES, REJECTION_CODES
from qaqpa.report.page import control_page
from qaqpa.report.texts import Texts
from support.catalogs import small_bundle

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def small(here: Path) -> Path:
    """A working directory whose configuration names policies with a small catalog."""
    small_bundle(here / "small")
    (here / "qaqpa.yaml").write_text("version: 1\npolicy: small\n", encoding="utf-8")
    return here


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


def test_a_control_is_explained_with_every_section(here: Path, capsys: Capture, engine: EmbeddedEngine) -> None:
    assert here
    assert main(["explain", "dpb-01"]) == 0
    out = capsys.readouterr().out
    card = engine.catalog.controls["DPB-01"]
    assert out.startswith(f"DPB-01  {card['texts']['en']['title']}\n\nRequired\n  ")
    for section in control_page("DPB-01", Texts(engine.catalog)):
        assert f"\n{section.title}\n  " in out
    assert all(f"  {code}: " in out for code in card["texts"]["en"]["violations"])
    assert "\x1b" not in out


@pytest.mark.parametrize(("language", "title"), [("en", "Required"), ("kk", "Талап"), ("ru", "Что требуется")])
def test_all_that_is_printed_of_a_control_is_in_the_language(
    small: Path, capsys: Capture, language: str, title: str
) -> None:
    assert small
    assert main(["explain", "AAA-01", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"AAA-01  title in {language}\n\n{title}\n  requirement in {language}\n")
    assert {name for name in ("en", "kk", "ru") if f" in {name}" in out} == {language}


def test_the_variable_chooses_the_language_where_nobody_asks(
    small: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small
    monkeypatch.setenv("QAQPA_LANG", "ru")
    assert main(["explain", "AAA-01"]) == 0
    assert "\nЧто требуется\n" in capsys.readouterr().out


def test_hostile_texts_of_own_policies_do_not_reach_the_terminal(small: Path, capsys: Capture) -> None:
    assert small
    for arguments in (["explain"], ["explain", "BBB-01"], ["controls"], ["profiles", "soft"], ["law", "act-b"]):
        assert main(arguments) == 0
        assert "\x1b" not in capsys.readouterr().out


def test_the_code_of_a_refusal_is_explained_with_how_to_mend_it(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["explain", "not_independent"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("not_independent Why evidence is refused Its signer has a part in what it judges. To mend ")
    assert "Somebody outside must sign" in out
    assert "problem" not in out
    assert main(["explain", "not_independent", "--lang", "ru"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("not_independent Почему доказательство отклоняется ")


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
    assert "It claims no statute" in out
    assert "HOV-01: A human takes the final decision direct; denies" in out
    assert "direct; denies only warns where the context says public_sector: false" in out
    assert "attributes: sex, nationality_or_ethnicity, language, age, residence, disability, property_status" in out


@pytest.mark.parametrize("name", sorted(kinds()))
def test_every_kind_of_evidence_is_explained_with_every_field(here: Path, capsys: Capture, name: str) -> None:
    assert here
    assert main(["explain", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}  {kind(name).title}")
    assert not re.search(r" $", out, re.MULTILINE)
    for title in ("Description", "About", "Supplied by", "Strength", "Read by", "Fields"):
        assert f"\n{title}\n  " in out
    assert all(f"  {field} (" in out for field in kind(name).schema["properties"] if field != "kind")


def test_a_kind_says_what_it_is_about_who_supplies_and_who_reads_it(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "audit"])
    out = " ".join(capsys.readouterr().out.split())
    assert "about the model (void when one byte changes); about the system (void when its context changes)" in out
    assert "Supplied by independent auditor Strength review and staging: what" in out
    assert "production: signed by somebody independent: nobody who trained" in out
    assert "Read by AUD-01: Independent audit" in out
    assert "report (asked for by AUD-01): The audit report. report.uri (required): " in out
    assert "findings[].severity (required): " in out
    assert "one of: critical, high, medium, low" in out
    assert "each one of: developer, operator, owner, data_supplier" in out
    main(["explain", "system"])
    out = " ".join(capsys.readouterr().out.split())
    readers = "AUD-02, CON-01, DOC-04, DPB-01, DPB-04, IMP-02, NOT-01, NOT-03, TRN-01"
    assert f"public_sector (may be left out; read by {readers})" in out
    assert "kz_autonomy (may be left out; read by DOC-01, PRO-01)" in out
    assert "AUD-03: " in out
    assert "production: signed by somebody whom the parties file names for this kind" in out


def test_a_kind_is_explained_in_the_language_but_for_what_its_schema_says(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "bias", "--lang", "kk"])
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("bias Кемсітушілікке тексеру Сипаттама ")
    assert "модель туралы (бір байт өзгерсе, күшін жояды)" in out
    assert "(мыналар талап етеді: NDQ-02)" in out
    assert "(көрсетпеуге болады; мыналар оқиды: NDQ-02)" in out


def test_a_waiver_says_what_it_is_void_for_who_signs_it_and_what_it_can_excuse(here: Path, capsys: Capture) -> None:
    assert here
    main(["explain", "waiver"])
    out = " ".join(capsys.readouterr().out.split())
    assert "about the stage (void at any other); about the system" in out
    assert "Strength every stage: signed by a risk owner who neither trained nor owns the model" in out
    read_by = out.split("Read by")[1].split("Fields")[0]
    assert "AUD-01: Independent audit" in read_by
    assert "DPB-01" not in read_by
    main(["explain", "withdrawal"])
    out = " ".join(capsys.readouterr().out.split())
    assert "about another statement, which it names Supplied by whoever signed the statement" in out
    assert "Strength none Read by The gate:" in out


def test_an_unknown_id_exits_with_2_and_lists_what_there_is(here: Path, capsys: Capture) -> None:
    assert here
    assert main(["explain", "\x1b[31m"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    assert "one of ACC-01, " in err
    assert "article-baseline, " in err
    assert ", audit, " in err
