# SPDX-License-Identifier: Apache-2.0
"""Erasing: a person is gone from all that is kept, the chain holds, and what is left still gives the same document."""

from __future__ import annotations

from pathlib import Path

import pytest

from qaqpa.config import LogSource
from qaqpa.errors import UndecidedError, UsageError
from qaqpa.model import Decision
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.asked import Result
from qaqpa.record.log.chain import peek
from qaqpa.record.log.erase import erase_person, erase_row
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.listing import recorded
from qaqpa.record.log.opening import open_log
from qaqpa.record.log.reading import row, rows
from qaqpa.record.log.replay import replay
from support.logs import asked, checked, filled, log_source


def test_a_person_is_erased_and_the_decision_can_still_be_made_again(
    source: LogSource, decision: Decision, engine: EmbeddedEngine
) -> None:
    log = filled(source, decision, 2)
    point = checked(source).checkpoint
    signers = {
        signer["id"] for facts in decision.input["evidence"].values() for fact in facts for signer in fact["signers"]
    }
    assert "dpo" in signers
    done = erase_person(log, ["DPO", "dana"], "request 17")
    assert (done.contents, done.misfits, list(done.left)) == (3, 0, [])
    found = recorded(log.database, 2)
    assert found.about["user"].startswith("erased-")
    left = {signer["id"] for facts in found.input["evidence"].values() for fact in facts for signer in fact["signers"]}  # type: ignore[index]
    assert signers - left == {"dpo"}
    assert [name for name in left if name.startswith("erased-")] == [found.about["user"]]
    again = replay(found, engine)
    assert (again.is_same, again.is_altered) == (True, True)
    after = checked(source, [point])
    assert (after.problems, after.erased) == ([], 3)


def test_a_row_is_erased_whole_and_says_so(source: LogSource, decision: Decision, engine: EmbeddedEngine) -> None:
    log = open_log(source)
    first, second = log.decided(asked(decision)), log.decided(asked(None, problems=[{"code": "busy", "detail": "x"}]))
    assert erase_row(log, second, "request 18").contents == 1
    found = recorded(log.database, second)
    assert (found.is_erased, found.about, found.decision) == (True, {}, None)
    with pytest.raises(UndecidedError, match="was erased"):
        replay(found, engine)
    assert replay(recorded(log.database, first), engine).is_same
    with pytest.raises(UsageError, match="Nothing is kept"):
        erase_row(log, second, "request 18")
    assert checked(source).problems == []


def test_why_it_was_erased_stays_in_the_log(source: LogSource, decision: Decision) -> None:
    log = filled(source, decision, 1)
    (number,) = erase_person(log, ["dana"], "request 19").rows
    with log.database.reading() as connection:
        found = row(connection, number)
    assert found
    assert peek(found.body).fields["reason"] == "request 19"
    assert "dana" not in str(peek(found.body))


def test_nothing_of_the_person_is_left_in_the_files_of_sqlite(tmp_path: Path, decision: Decision) -> None:
    source = log_source(tmp_path)
    log = open_log(source)
    name = "Nursultan-Unmistakable"
    log.outcome([log.decided(asked(decision, user=name))], Result.WRITTEN)
    with log.database.reading() as connection:
        bodies = [bytes(found.body) for found in rows(connection)]
        stored = bytes(connection.exec_driver_sql("SELECT body FROM qaqpa_log_content LIMIT 1").scalar())
    present = b"".join(file.read_bytes() for file in tmp_path.glob("log.db*"))
    assert stored[:200] in present
    assert not any(name.encode() in body for body in bodies)
    erase_person(log, [name], "request 20")
    erase_row(log, 2, "request 20")
    assert stored[:200] not in b"".join(file.read_bytes() for file in tmp_path.glob("log.db*"))


def test_a_part_of_a_word_is_no_person(source: LogSource, decision: Decision) -> None:
    log = open_log(source)
    number = log.decided(asked(decision, user="dana.k", action="dana-2 asked by dana@bank, not by dana."))
    erase_person(log, ["dana"], "request 21")
    found = recorded(log.database, number).about
    assert found["user"] == "dana.k"
    assert found["action"].startswith("dana-2 asked by dana@bank, not by erased-")


def test_a_model_that_is_named_after_a_person_is_told_and_stays(source: LogSource, decision: Decision) -> None:
    log = open_log(source)
    number = log.decided(asked(decision, model="dana"))
    assert list(erase_person(log, ["dana"], "request 22").left) == [number]


@pytest.mark.parametrize(
    ("values", "reason", "said"),
    [
        (["x"], "request", "names nobody"),
        (["erased-1"], "request", "names nobody"),
        (["dana"], "", "cannot stand"),
        (["dana"], "because Dana asked", "names the person"),
        (["dana"], "two\nlines", "cannot stand"),
    ],
)
def test_what_cannot_be_erased(tmp_path: Path, values: list[str], reason: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        erase_person(open_log(log_source(tmp_path)), values, reason)


def test_two_who_erase_at_once_do_not_undo_each_other(
    source: LogSource, decision: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = filled(source, decision, 1)
    append = log.append

    def later(drafts: object) -> object:
        monkeypatch.setattr(log, "append", append)
        erase_person(open_log(source), ["dpo"], "request 23")
        return append(drafts)  # type: ignore[arg-type]

    monkeypatch.setattr(log, "append", later)
    with pytest.raises(LogError, match="at the same time"):
        erase_person(log, ["risk"], "request 24")
    assert checked(source).problems == []
