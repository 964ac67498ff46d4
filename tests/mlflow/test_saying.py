# SPDX-License-Identifier: Apache-2.0
"""Refusals that rest on no decision of the policies are said in the language of the server too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from qaqpa.mlflow import canary, closed, denial, limiting
from qaqpa.mlflow.breakglass import _refusal
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.saying import problem, say, undecided
from qaqpa.model import Stage, Verdict

HOSTILE = "alias x\n\x1b[31m of {count} {detail}"


class _Grant:
    """What a refusal at the use of an override looks at."""

    action, verdict = HOSTILE, Verdict.DENY
    request = type("Request", (), {"stage": Stage.PRODUCTION})


def _flooded() -> str:
    refusals = limiting.Refusals(1)
    for _ in range(2):
        refusals.count("credit")
    with pytest.raises(RefusedError) as caught:
        refusals.check("credit")
    return str(caught.value.message)


def _canary() -> str:
    with pytest.raises(RefusedError) as caught:
        canary._answer(canary.NOT_GATED, "staging", {})
    return str(caught.value.message)


def _override(code: str, detail: str = "") -> str:
    grant: Any = _Grant()
    return str(_refusal(grant, code, detail).message)


SAID: dict[str, Callable[[], str]] = {
    "closed": lambda: closed._closed_outcome(HOSTILE, "production").message,
    "failed": lambda: denial.failed_outcome(HOSTILE).message,
    "busy": lambda: denial.busy_outcome(HOSTILE, "production").message,
    "log": lambda: denial.log_outcome(HOSTILE, "production").message,
    "flooded": _flooded,
    "canary": _canary,
    "override ended": lambda: _override("override_ended"),
    "override used": lambda: _override("override_used", "2026-11-26T00:00:00Z, row 7."),
    "override unrecorded": lambda: _override("log_unusable", say("line.override_unused")),
}


@pytest.mark.parametrize("name", sorted(SAID))
def test_each_is_one_line_in_each_language(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for language in ("en", "kk", "ru"):
        monkeypatch.setenv("QAQPA_LANG", language)
        said[language] = SAID[name]()
    assert len(set(said.values())) == len(said)
    assert re.search("[а-я]", said["ru"])
    assert re.search("[әғқңөұүһі]", said["kk"])
    for text in said.values():
        assert text.startswith("Qaqpa: ")
        assert "\n" not in text
        assert "\x1b" not in text


def test_a_detail_stands_behind_its_sentence_or_in_it() -> None:
    assert problem("override_used", "row 7.").endswith("counts once. row 7.")
    assert problem("canary_not_gated", "x") == "The alias x is not gated."
    assert undecided("renaming a to b", "busy").startswith("Qaqpa: renaming a to b is refused, because nothing could")


def test_no_refusal_fails_for_a_language_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAQPA_LANG", "de")
    assert say("line.canary").startswith("Qaqpa: nothing is promoted")
