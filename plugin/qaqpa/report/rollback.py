# SPDX-License-Identifier: Apache-2.0
"""What reports say of a rollback: to which decision it goes back, and what has ended since."""

from __future__ import annotations

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject
from qaqpa.report.forms import shown
from qaqpa.report.texts import Texts


def told(decision: Decision, texts: Texts) -> str:
    """To which decision a model goes back, and which evidence has ended since; empty where it goes back to none."""
    back = decision.document.get("rollback")
    if not back:
        return ""
    said = texts.say("rollback.back", decision=str(back["decision"]), day=back["allowed_at"]["text"])
    if not back["ended"]:
        return said
    return f"{said} {texts.say('rollback.ended', ended=[_ended(entry, texts) for entry in back['ended']])}"


def _ended(entry: JsonObject, texts: Texts) -> str:
    return f"{visible(entry['kind'])} ({shown(entry['ended_at']['text'], texts.language)})"
