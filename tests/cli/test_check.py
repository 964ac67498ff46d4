# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check` about directories: verdicts, exit codes, options, reports."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli import common, fetching
from qaqpa.cli.main import main
from support.contents import contents, context
from support.directories import sign, signed_system, write_system, write_trust, write_yaml
from support.keyring import signing_key

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def system(here: Path) -> Path:
    return write_system(here / "system")


def decision(capsys: Capture, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["check", *arguments, "--format", "json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["decision"]
    return found


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {finding["control"]: finding["status"] for finding in document["findings"]}


def test_complete_drafts_are_allowed_at_review(system: Path, capsys: Capture) -> None:
    assert main(["check", str(system)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ALLOWED  credit  (stage review, profile article-baseline)\n")
    assert err == ""


def test_missing_evidence_denies_with_3(here: Path, capsys: Capture) -> None:
    system = write_system(here / "system", without=["audit"])
    assert main(["check", str(system)]) == 3
    assert "AUD-01" in capsys.readouterr().out


def test_drafts_do_not_count_in_production(system: Path, capsys: Capture) -> None:
    assert main(["check", str(system), "--stage", "production"]) == 3
    document = decision(capsys, str(system), "--stage", "production")
    assert set(statuses(document).values()) == {"fail"}
    assert {refusal["code"] for refusal in document["rejected"]} == {"draft"}


def test_a_directory_without_bytes_is_not_allowed_in_production(system: Path, capsys: Capture) -> None:
    (system / "model" / "MLmodel").unlink()
    (system / "model").rmdir()
    document = decision(capsys, str(system), "--stage", "staging")
    assert [problem["code"] for problem in document["problems"]] == ["bytes_missing"]
    assert document["verdict"] != "allow"
    assert main(["check", str(system)]) == 0, "a review is about what is written"


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("context.yaml", "kind: system\nversion: 1\nversion: 2\n", "context.yaml:3:1: The key 'version' stands twice"),
        ("context.yaml", "kind: system\ndomian: hr\n", "context.yaml:2:9: the document: Additional properties"),
        ("evidence/audit.yaml", "kind: audit\nissued_on: 2026-02-30\n", "evidence/audit.yaml:2:12: issued_on"),
        ("evidence/bias.yaml", "kind: bias\ngroups: [\n", "evidence/bias.yaml:3:1: This is not YAML"),
        ("evidence/x.json", '{"kind":\n "nope"}', "evidence/x.json:2:2: There is no kind of evidence 'nope'"),
        ("evidence/x.txt", "", "evidence/x.txt: This is not an evidence file"),
    ],
)
def test_a_broken_file_exits_with_2_and_names_its_place(
    system: Path, capsys: Capture, name: str, text: str, where: str
) -> None:
    (system / name).write_text(text, encoding="utf-8")
    assert main(["check", "system"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"system/{where}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["none"], "There is no such directory"),
        (["system", "--profile", "kzz"], "There is no profile 'kzz'"),
        (["system", "--format", "xml"], "The format 'xml' does not exist"),
        (["system", "--format", "json", "--format", "=x"], "The format '' does not exist"),
        (["system", "--format", "json=none/x.json"], "The report cannot be written"),
        (["system", "--config", "none.yaml"], "The file cannot be read"),
        (["system", "--as-of", "yesterday"], "neither a date nor a time with zone"),
        (["system", "--as-of", "2026-02-30"], "out of range"),
        (["system", "--as-of", "2026-02-03T10:00:00"], "neither a date nor a time with zone"),
        (["system", "--as-of", "1999-12-31"], "out of range"),
        (["system", "--as-of", "2100-01-01"], "out of range"),
        (["system", "--as-of", "0001-01-01T00:00:00+23:59"], "out of range"),
    ],
)
def test_wrong_usage_exits_with_2(system: Path, capsys: Capture, arguments: list[str], found: str) -> None:
    assert system.is_dir()
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert found in err or (found == "out of range" and "day is out of range for month" in err)


def test_as_of_decides_as_on_that_day(system: Path, capsys: Capture) -> None:
    past, later = times.now() - timedelta(days=60), times.now() + timedelta(days=201)
    document = decision(capsys, str(system), "--as-of", past.date().isoformat())
    assert document["now"]["text"] == f"{past.date()}T00:00:00Z"
    codes = {violation["code"] for finding in document["findings"] for violation in finding["violations"]}
    assert "approved_in_future" in codes
    document = decision(capsys, str(system), "--as-of", times.render(later))
    assert document["now"]["text"] == times.render(later)
    codes = {violation["code"] for finding in document["findings"] for violation in finding["violations"]}
    assert "validity_ended" in codes


def test_reports_go_to_files_and_to_the_output_together(system: Path, here: Path, capsys: Capture) -> None:
    wanted = ["--format", "json=out.json", "--format", "text", "--format", "text=out.txt"]
    assert main(["check", str(system), *wanted]) == 0
    out = capsys.readouterr().out
    assert out == (here / "out.txt").read_text("utf-8")
    report = json.loads((here / "out.json").read_text("utf-8"))
    assert report["decision"]["verdict"] == "allow"
    assert len(report["policy_digest"]) == 64


def test_the_same_question_gets_the_same_answer(system: Path, capsys: Capture) -> None:
    at = times.render(times.now())
    assert decision(capsys, str(system), "--as-of", at) == decision(capsys, str(system), "--as-of", at)


def test_off_a_terminal_there_is_no_colour_and_a_fixed_width(
    system: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm-256color")
    main(["check", str(system), "--stage", "production"])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert 90 < max(map(len, out.splitlines()[2:])) <= 100


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colour_unless_it_says_no(
    system: Path, monkeypatch: pytest.MonkeyPatch, *, variables: dict[str, str], coloured: bool
) -> None:
    for name, value in {"TERM": "xterm-256color", **variables}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(common.sys, "stdout", terminal)
    main(["check", str(system)])
    assert ("\x1b[1;32m" in terminal.getvalue()) == coloured


def test_opa_that_is_down_exits_with_4_and_is_named(
    system: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opa_client")
    monkeypatch.setenv("QAQPA_OPA_URL", "http://127.0.0.1:9")
    assert main(["check", str(system), "--engine", "opa"]) == 4
    out, err = capsys.readouterr()
    assert out.startswith("UNDECIDED") or "127.0.0.1:9" in err
    assert "127.0.0.1:9" in out + err
    assert "ALLOWED" not in out


def test_policies_that_are_missing_exit_with_4(system: Path, here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text("version: 1\npolicy: none\n", encoding="utf-8")
    assert main(["check", str(system)]) == 4
    assert "The compiled policies cannot be read" in capsys.readouterr().err


def test_the_configuration_decides_on_profiles_strength_and_thresholds(
    system: Path, here: Path, capsys: Capture
) -> None:
    gate = "{stage: production, profiles: [article-baseline], aliases: [live], minimum_strength: signed}"
    (here / "qaqpa.yaml").write_text(
        f"version: 1\ngates: [{gate}]\nthresholds: {{TRN-01: {{max_age_days: 7}}}}\n", encoding="utf-8"
    )
    document = decision(capsys, str(system))
    assert document["settings"] == {
        "minimum_strength": "declared",
        "thresholds": {"TRN-01": {"max_age_days": 7}},
        "raised": [],
        "separation_of_duties": "when_known",
    }
    assert statuses(document)["TRN-01"] == "warn"
    assert decision(capsys, str(system), "--stage", "production")["settings"]["minimum_strength"] == "signed"
    (here / "other.yaml").write_text("version: 1\n", encoding="utf-8")
    assert statuses(decision(capsys, str(system), "--config", "other.yaml"))["TRN-01"] == "pass"


def test_a_threshold_that_is_law_cannot_be_loosened(system: Path, here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text(
        "version: 1\nthresholds: {DPB-01: {kz_withdrawal_working_days: 30}}\n", encoding="utf-8"
    )
    assert main(["check", str(system)]) == 2
    assert "is law, and 30 is looser" in capsys.readouterr().err


def test_without_a_context_the_strictest_is_asked(system: Path, capsys: Capture) -> None:
    harmless = context(affects_rights=False, significant_decision=False, personal_data=False, kz_risk="minimal")
    write_yaml(system / "context.yaml", harmless)
    assert "not_applicable" in statuses(decision(capsys, str(system))).values()
    (system / "context.yaml").unlink()
    document = decision(capsys, str(system))
    assert document["subject"]["name"] == "system"
    assert "not_applicable" not in statuses(document).values()


def test_two_contexts_of_one_version_exit_with_4_or_3_and_say_so(system: Path, capsys: Capture) -> None:
    write_yaml(system / "evidence" / "context2.yaml", context(affects_rights=False, kz_risk="minimal"))
    assert main(["check", str(system)]) in {3, 4}
    assert "Two contexts contradict each other." in capsys.readouterr().out


def test_a_later_better_file_does_not_hide_a_bad_one(system: Path, capsys: Capture) -> None:
    bad = {**contents(times.now())["audit"], "conclusion": "negative"}
    write_yaml(system / "evidence" / "a-first.yaml", bad)
    assert main(["check", str(system)]) == 3
    assert "conclusion_negative" in str(decision(capsys, str(system)))


@pytest.mark.parametrize("place", ["system", "system/deep"])
def test_root_keys_never_come_from_the_directory_that_is_judged(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    root = signed_system(here / "system")
    config = str(write_trust(here / place))
    capsys.readouterr()
    for command in (["check", "system"], ["evidence", "list", "system"], ["waivers", "system"]):
        assert main([*command, "--config", config]) == 2
        said = capsys.readouterr().err
        assert "lies inside the directory that is judged" in said
        assert "Move it out of the directory, and name it with --config FILE" in said
    (here / "link.yaml").symlink_to(config)
    assert main(["check", str(root), "--config", "link.yaml"]) == 2
    outside = here / "outside"
    assert main(["check", "system", "--stage", "production", "--config", str(write_trust(outside))]) == 0
    (here / "system" / "inside.yaml").symlink_to(outside / "qaqpa.yaml")
    assert main(["check", "system", "--config", "system/inside.yaml"]) == 2
    monkeypatch.setenv("QAQPA_ROOTS", ",".join(signing_key(root).key_id for root in ("root1", "root2")))
    monkeypatch.setenv("QAQPA_ROOTS_THRESHOLD", "2")
    # The rest of such a file chooses policies, profiles and thresholds.
    assert main(["check", "system", "--stage", "production", "--config", config]) == 2


def test_a_parties_file_that_is_missing_leaves_production_undecided_or_denied(here: Path, capsys: Capture) -> None:
    signed_system(here / "system")
    write_trust(here)
    (here / "parties.signed.json").unlink()
    document = decision(capsys, "system", "--stage", "production")
    assert [problem["code"] for problem in document["problems"]] == ["parties_missing"]
    assert document["verdict"] != "allow"


def audit(here: Path, digest: str, **changes: str) -> Path:
    """A draft of an audit whose documents lie beside it."""
    document = {"uri": "docs/report.txt", "sha256": digest}
    draft = here / f"draft-{len(list(here.glob('draft-*')))}.yaml"
    content = {**contents(times.now())["audit"], "report": document, "conflict_declarations": document, **changes}
    write_yaml(draft, content)
    return draft


@pytest.fixture
def documented(here: Path, capsys: Capture) -> Path:
    """A signed system with a document beside the audit; other documents are out of reach."""
    write_trust(here)
    root = signed_system(here / "system")
    (root / "docs").mkdir()
    (root / "docs" / "report.txt").write_text("Sound.", encoding="utf-8")
    (root / "evidence" / "audit.json").unlink()
    assert sign(root, "audit", audit(here, hashlib.sha256(b"Sound.").hexdigest())) == 0
    capsys.readouterr()
    return root


def refused(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    monkeypatch.setattr(fetching, "Fetcher", lambda: lambda _: "e" * 64)
    document = decision(capsys, "system", "--stage", "production", "--fetch-documents")
    found: dict[str, set[str]] = {"": {document["verdict"]}}
    for refusal in document["rejected"]:
        found.setdefault(refusal["kind"], set()).add(refusal["code"])
    return found


def test_documents_are_compared_where_that_was_asked(
    documented: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(capsys, monkeypatch) == {"": {"allow"}, "system": {"draft"}}
    (documented / "docs" / "report.txt").write_text("Other.", encoding="utf-8")
    assert main(["check", "system", "--stage", "production"]) == 0, "nobody asked to read it"
    assert refused(capsys, monkeypatch) == {"": {"deny"}, "system": {"draft"}, "audit": {"document_mismatch"}}
    (documented / "docs" / "report.txt").unlink()
    assert refused(capsys, monkeypatch)["audit"] == {"document_unreachable"}


def test_a_failed_audit_is_not_hidden_by_taking_its_report_away(
    documented: Path, here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = audit(here, "a" * 64, conclusion="negative")
    assert sign(documented, "audit", draft, "--output", "system/evidence/failed.json") == 0
    found = refused(capsys, monkeypatch)
    assert (found[""], found["audit"]) == ({"deny"}, {"document_mismatch"})


def test_a_directory_cannot_choose_as_which_model_it_is_judged(here: Path, capsys: Capture) -> None:
    signed_system(here / "system")
    config = str(write_trust(here))
    asked = ["check", "system", "--stage", "production", "--config", config]
    capsys.readouterr()
    assert main(asked) == 0
    assert "judged as 'credit', because the directory says so" in capsys.readouterr().err
    assert main([*asked, "--name", "credit"]) == 0
    assert "because the directory says so" not in capsys.readouterr().err
    assert main([*asked, "--name", "mortgage"]) == 2
    assert "about the registered model 'credit'" in capsys.readouterr().err


@pytest.mark.parametrize(("stage", "code"), [("review", 0), ("staging", 2), ("production", 2)])
def test_what_is_judged_does_not_bring_its_own_policies(here: Path, capsys: Capture, stage: str, code: int) -> None:
    root = write_system(here / "system")
    (root / "qaqpa.yaml").write_text("version: 1\n", encoding="utf-8")
    assert main(["check", "system", "--stage", stage, "--config", "system/qaqpa.yaml"]) == code
    assert code == 0 or "lies inside the directory that is judged" in capsys.readouterr().err
