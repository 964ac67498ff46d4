# SPDX-License-Identifier: Apache-2.0
"""`qaqpa doctor`."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest

from qaqpa import __version__, times
from qaqpa.cli import doctor
from qaqpa.cli.main import main
from qaqpa.config import DEFAULT_PROFILE
from qaqpa.evidence.keys import new_key, write_key
from qaqpa.model import Decision, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.report.texts import Texts

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _no_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


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
    assert not any(line.endswith(" ") for line in out.splitlines())
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert f"qaqpa {__version__}" in rows
    assert "configuration qaqpa.yaml from default" in rows
    assert "engine embedded from QAQPA_ENGINE" in rows
    assert "language en from default" in rows
    assert any(row.startswith("gate production: @production, @champion") for row in rows)
    assert f"observe [red]new-* NOT ENFORCED until {today + timedelta(days=1)}" in rows
    assert f"observe old-* ended {today - timedelta(days=1)}: enforced" in rows
    assert f"policy digest {engine.policy_digest}" in rows
    assert f"a model without evidence is denied ({len(engine.catalog.asked([DEFAULT_PROFILE]))} findings)" in out


def test_doctor_warns_where_nothing_is_gated_as_production(here: Path, capsys: Capture) -> None:
    gate = "  - {stage: STAGE, profiles: [article-baseline], aliases: [live]}\n"
    (here / "qaqpa.yaml").write_text(f"version: 1\ngates:\n{gate.replace('STAGE', 'staging')}", encoding="utf-8")
    assert main(["doctor"]) == 0
    assert "WARNING: no gate has the stage production" in capsys.readouterr().out
    (here / "qaqpa.yaml").write_text(f"version: 1\ngates:\n{gate.replace('STAGE', 'production')}", encoding="utf-8")
    assert main(["doctor"]) == 0
    assert "WARNING: no gate" not in capsys.readouterr().out


def test_doctor_says_which_language_is_spoken_and_why(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here
    monkeypatch.setenv("LANG", "kk_KZ.UTF-8")
    assert main(["doctor"]) == 0
    assert "language kk from LANG" in [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    monkeypatch.setenv("QAQPA_LANG", "ru")
    assert main(["doctor"]) == 0
    assert "language ru from QAQPA_LANG" in [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    monkeypatch.setenv("QAQPA_LANG", "de")
    assert main(["doctor"]) == 2
    assert "QAQPA_LANG: There is no language 'de'" in capsys.readouterr().err


def test_doctor_says_of_thresholds_who_set_them_and_marks_the_looser(here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text(
        "version: 1\nthresholds:\n"
        "  NDQ-02: {ratio_min_percent: 0, gap_max_percent: 5}\n"
        "  TRN-01: {max_age_days: 400}\n"
        "  DPB-01: {kz_withdrawal_working_days: 10}\n"
        "gates:\n  - {stage: production, profiles: [kz], aliases: [live]}\n",
        encoding="utf-8",
    )
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "the card says" in line] == [
        "threshold NDQ-02 ratio_min_percent: 0 (the card says 80, our own default) LOOSER",
        "threshold NDQ-02 gap_max_percent: 5 (the card says 10, our own default)",
        "threshold TRN-01 max_age_days: 400 (the card says 365, our own default) LOOSER",
        "threshold DPB-01 kz_withdrawal_working_days: 10 (the card says 15, set by law)",
    ]


def test_doctor_shows_every_setting_in_words(here: Path, capsys: Capture) -> None:
    (here / "qaqpa.yaml").write_text(
        "version: 1\nseparation_of_duties: required\nraise: [AUD-02, HOV-01/diagram_missing]\nthresholds:\n"
        "  NDQ-02: {ratio_min_percent: 90, gap_max_percent: 5}\n"
        "gates:\n  - {stage: production, profiles: [kz], aliases: [live, 'l*'], minimum_strength: signed}\n",
        encoding="utf-8",
    )
    assert main(["doctor"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "separation_of_duties required from qaqpa.yaml" in out
    assert "raise AUD-02, HOV-01/diagram_missing from qaqpa.yaml" in out
    # How wide the columns are depends on what else is in the table.
    assert "thresholds NDQ-02 (ratio_min_percent 90," in out
    assert "gap_max_percent" in out
    assert " 5)" in out
    assert not [sign for sign in ("{", "['", "':", "True") if sign in out]


def test_doctor_says_what_is_raised(here: Path, capsys: Capture, engine: EmbeddedEngine) -> None:
    (here / "qaqpa.yaml").write_text(
        "version: 1\nraise: [AUD-02, HOV-01/diagram_missing, HOV-01/evidence_missing]\n", encoding="utf-8"
    )
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    texts = Texts(engine.catalog)
    denies = "denies in every profile that asks for it:"
    assert [line for line in lines if line.startswith("raise ") and denies in line] == [
        f"raise AUD-02: {denies} {texts.title('AUD-02')} (whatever its rule denies)",
        f"raise HOV-01/diagram_missing: {denies} {texts.violation_text('HOV-01', 'diagram_missing')}",
        f"raise HOV-01/evidence_missing: {denies} evidence_missing",
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


def test_doctor_says_that_no_server_starts_with_this_key_of_the_log(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QAQPA_LOG", f"sqlite:///{here}/log.db")
    key = here / "gate.key"
    write_key(key, new_key("p256"), None, "gate")
    monkeypatch.setenv("QAQPA_LOG_KEY", str(key))
    assert main(["doctor"]) == 0
    key.chmod(0o640)
    assert main(["doctor"]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "decision log NOT USABLE" in out
    assert "Others may read this private key" in out
    key.unlink()
    assert main(["doctor"]) == 2


def test_what_a_program_reads_is_one_line_for_each_setting(here: Path, capsys: Capture) -> None:
    long = f"{'l' * 100}/{'m' * 100}"
    (here / "qaqpa.yaml").write_text(f"version: 1\nlog: {{url: 'sqlite:///{long}.db'}}\n", encoding="utf-8")
    assert main(["doctor"]) == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f"log sqlite:///{here.resolve()}/{long}.db from qaqpa.yaml" in rows
    assert "gate production: @production, @champion, Production article-baseline; at least declared" in rows


def test_doctor_does_not_call_metrics_fine_that_nothing_can_count(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "qaqpa.yaml").write_text("version: 1\nmetrics: {listen: 127.0.0.1:9095}\n", encoding="utf-8")
    assert main(["doctor"]) == 0
    assert "prometheus-client is not installed" not in capsys.readouterr().out
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "prometheus_client" else real(name))
    assert main(["doctor"]) == 2
    assert "metrics: DO NOT WORK: prometheus-client is not installed" in capsys.readouterr().out
