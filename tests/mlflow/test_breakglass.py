# SPDX-License-Identifier: Apache-2.0
"""Break-glass in one process: when an override is used up, what it never lifts, and what a review has to be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from qaqpa import times
from qaqpa.config import DEFAULT_GATE, Config, Gate, LogSource, Observe, OverrideSettings
from qaqpa.evidence.digest import dir_hash
from qaqpa.evidence.kinds import OVERRIDE
from qaqpa.evidence.statement import context_digest
from qaqpa.mlflow import judge, recording
from qaqpa.mlflow.breakglass import BreakGlass, _is_lifted
from qaqpa.mlflow.denial import RefusedError
from qaqpa.mlflow.gated import GatedStore
from qaqpa.mlflow.judge import Gatekeeper
from qaqpa.model import Decision, Problem, Request, Separation, Settings, Stage, Strength, Verdict
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.record.log.chain import peek
from qaqpa.record.log.database import Database
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.errors import LogError
from qaqpa.record.log.listing import Wanted, listed, used
from qaqpa.record.log.reading import rows
from qaqpa.record.log.uses import Use
from qaqpa.report.texts import Texts
from support.contents import context, override, override_review
from support.keyring import trusted
from support.logs import checked, kinds, log_source
from support.registry import passing, signed
from support.statements import SUBJECT, request

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIVE = Gate(DEFAULT_GATE.stage, DEFAULT_GATE.profiles, names=("live*",))
NAMES = ["model", "live", "renamed", "live-renamed"]


class World:
    """A registry with `model`, whose version 1 has all evidence but the audit, and the log of its gate."""

    def __init__(self, directory: Path, engine: EmbeddedEngine, **changes: Any) -> None:
        self.database = f"sqlite:///{directory}/mlflow.db"
        mlflow.set_tracking_uri(self.database)
        self.raw = SqlAlchemyStore(self.database)
        self.source: LogSource = log_source(directory)
        parties = trusted(directory, times.now())
        config = Config(gates=(DEFAULT_GATE, LIVE), parties=parties, log=self.source)
        self.gatekeeper = Gatekeeper(replace(config, **changes), engine)
        self.gatekeeper.start()
        self.gated = GatedStore(self.database, gatekeeper=self.gatekeeper)
        (directory / "files").mkdir()
        (directory / "files" / "weights").write_text("weights")
        self.digest = dir_hash(directory / "files")
        self.raw.create_registered_model("model")
        self.raw.create_model_version("model", str(directory / "files"))
        evidence = passing(NAMES, self.digest)
        for key, value in {**evidence.model, **evidence.version}.items():
            if ".audit." not in key:
                self.tag(key, value)

    def tag(self, key: str, value: str) -> None:
        self.gated.set_model_version_tag("model", "1", ModelVersionTag(key, value))

    def signs(self, content: dict[str, Any], signers: Sequence[str] | None = None, **changes: Any) -> str:
        """Attaches a statement; returns its tag."""
        now = times.now()
        system = context_digest(context(models=[{"name": name} for name in NAMES]))
        ends = {"expires_at": now + 2 * HOUR} if content["kind"] == OVERRIDE else {}
        about: dict[str, Any] = {"issued_at": now, **ends, **changes}
        _, key, text = signed(content, "model", self.digest, system, signers, **about)
        self.tag(key, text)
        return key

    def promote(self, alias: str = "production") -> None:
        self.gated.set_registered_model_alias("model", alias, 1)

    def refused(self, alias: str = "production") -> str:
        with pytest.raises(RefusedError) as caught:
            self.promote(alias)
        return str(caught.value.message)

    def aliases(self) -> dict[str, int]:
        found: dict[str, int] = self.raw.get_registered_model("model").aliases
        return found

    def uses(self) -> tuple[Use, ...]:
        return used(Database(self.source))

    def outcomes(self) -> list[tuple[str, str, str, bool]]:
        """Oldest first: verdict, outcome, its reason, and whether it was overridden."""
        found = list(listed(Database(self.source), Wanted(), 100))[::-1]
        return [(one.entry.fields["verdict"], one.outcome, one.reason, one.override is not None) for one in found]


@pytest.fixture
def make(tmp_path: Path, engine: EmbeddedEngine, empty_database: Path) -> Callable[..., World]:
    shutil.copy(empty_database, tmp_path)
    return lambda **changes: World(tmp_path, engine, **changes)


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


def test_it_is_used_up_before_the_write_and_the_outcome_names_it(world: World) -> None:
    world.signs(override())
    world.promote()
    assert world.aliases() == {"production": 1}
    assert kinds(world.source)[-3:] == ["decision", "override", "outcome"]
    assert world.outcomes() == [("deny", "written", "", True)]
    assert checked(world.source).problems == []


def test_the_question_before_a_copy_uses_nothing_up(world: World) -> None:
    world.signs(override())
    version = world.raw.get_model_version("model", 1)
    world.gated.copy_model_version(version, "live")
    assert world.outcomes() == [("deny", "asked", "", False), ("deny", "written", "", True)]
    [use] = world.uses()
    assert (use.entry.fields["model"], use.entry.fields["digest"]) == ("live", world.digest)


def test_renaming_a_model_with_a_gated_name_is_one_use(world: World) -> None:
    world.signs(override())
    world.gated.rename_registered_model("model", "live-renamed")
    [use] = world.uses()
    assert use.entry.fields["model"] == "live-renamed"
    assert world.raw.get_registered_model("live-renamed").name == "live-renamed"


def test_renaming_what_is_in_one_stage_by_two_aliases_is_one_use(world: World) -> None:
    for alias in ("production", "champion"):
        world.raw.set_registered_model_alias("model", alias, 1)
    world.signs(override())
    world.gated.rename_registered_model("model", "renamed")
    assert [use.entry.fields["stage"] for use in world.uses()] == ["production"]


def test_renaming_what_is_in_two_stages_needs_an_override_for_each(make: Callable[..., World]) -> None:
    world = make(gates=(DEFAULT_GATE, Gate(Stage.STAGING, DEFAULT_GATE.profiles, aliases=("staging",))))
    for alias in ("production", "staging"):
        world.raw.set_registered_model_alias("model", alias, 1)
    world.signs(override())
    with pytest.raises(RefusedError) as caught:
        world.gated.rename_registered_model("model", "renamed")
    assert "other_stage" in {refusal["code"] for refusal in caught.value.json_kwargs["qaqpa"]["rejected"]}
    assert "The override that is there" in caught.value.message
    assert world.uses() == ()
    assert world.raw.get_registered_model("model").name == "model"
    world.signs(override(reason="Another"), stage=Stage.STAGING)
    world.gated.rename_registered_model("model", "renamed")
    assert sorted(use.entry.fields["stage"] for use in world.uses()) == ["production", "staging"]


def test_one_use_serves_two_gates_of_one_stage_in_one_call(make: Callable[..., World]) -> None:
    world = make(gates=(DEFAULT_GATE, replace(DEFAULT_GATE, settings=Settings(minimum_strength=Strength.SIGNED)), LIVE))
    world.signs(override())
    world.promote()
    [use] = world.uses()
    assert len(use.decisions) == 2
    assert world.outcomes() == [("deny", "written", "", True)] * 2


def test_an_allow_of_another_gate_in_the_same_call_is_no_ordinary_one(make: Callable[..., World]) -> None:
    world = make(gates=(DEFAULT_GATE, replace(DEFAULT_GATE, profiles=("unesco",)), LIVE))
    world.signs(override())
    world.promote()
    assert world.outcomes() == [("deny", "written", "", True), ("allow", "written", "", False)]
    [use] = world.uses()
    with Database(world.source).reading() as connection:
        ends = [entry for row in rows(connection) if (entry := peek(row.body)).kind == "outcome"]
    assert [end.fields["override"] for end in ends] == [use.entry.seq] * 2


def test_a_write_that_fails_has_used_it_up_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.signs(override())
    real = recording.BreakGlass.claim

    def meddle(self: BreakGlass, *arguments: Any) -> Any:
        found = real(self, *arguments)
        world.raw.set_model_version_tag("model", "1", ModelVersionTag("qaqpa.evidence.audit.0123456789abcdef", "{}"))
        return found

    monkeypatch.setattr(recording.BreakGlass, "claim", meddle)
    said = world.refused()
    [use] = world.uses()
    assert f"The override of row {use.entry.seq} is used up though nothing was promoted." in said
    assert world.aliases() == {}
    assert world.outcomes() == [("deny", "failed", "changed_meanwhile", True)]
    monkeypatch.undo()
    assert "was used before" in world.refused()


def test_a_claim_that_comes_second_refuses(world: World) -> None:
    world.signs(override())
    judged = world.gated._admit_version("model", 1, "alias production", [DEFAULT_GATE])
    world.promote("champion")
    with (
        pytest.raises(RefusedError, match=r"the override does not help\. .*used before.* row \d+\.") as caught,
        judged.written(),
    ):
        pytest.fail("nothing may be written")
    assert caught.value.json_kwargs["qaqpa"]["problems"][0]["code"] == "override_used"
    assert world.outcomes() == [("deny", "failed", "override_used", False), ("deny", "written", "", True)]


def test_a_claim_that_cannot_be_recorded_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.signs(override())

    def lost(*_: Any) -> None:
        raise LogError("The log went away")

    monkeypatch.setattr(DecisionLog, "claim", lost)
    said = world.refused()
    assert "The decision log cannot be used, and what is not recorded is not promoted." in said
    assert said.endswith("as soon as the log can be read.")
    assert (world.aliases(), world.uses()) == ({}, ())


def test_an_override_that_ends_while_the_bytes_are_hashed_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.signs(override())
    judged = world.gated._admit_version("model", 1, "alias production", [DEFAULT_GATE])
    later = times.now() + 3 * HOUR
    monkeypatch.setattr(times, "now", lambda: later)
    with pytest.raises(RefusedError, match="has ended meanwhile"), judged.written():
        pytest.fail("nothing may be written")
    assert world.uses() == ()


def test_the_one_that_ends_first_is_used(world: World) -> None:
    world.signs(override(reason="late"), expires_at=times.now() + 20 * HOUR)
    world.signs(override(reason="soon"), expires_at=times.now() + 1 * HOUR)
    world.promote()
    [use] = world.uses()
    assert use.about["reason"] == "soon"
    world.promote("champion")
    assert [use.about["reason"] for use in world.uses()] == ["soon", "late"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1) The override that is there (tag qaqpa.evidence.override."),
        ("kk", "1) Бар төтенше рұқсат (tag qaqpa.evidence.override."),
        ("ru", "1) Имеющееся экстренное разрешение (tag qaqpa.evidence.override."),
    ],
)
def test_a_signer_who_asks_is_told_why_the_override_does_not_count_and_who_has_to_ask(
    make: Callable[..., World], monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    monkeypatch.setenv("QAQPA_LANG", language)
    world = make()
    key = world.signs(override())
    monkeypatch.setattr(judge, "known_login", lambda: "incident1")
    told = world.refused()
    assert said in told
    assert key in told
    assert "incident1 signed it and is recorded as deployer of this model" in told
    assert Texts(world.gatekeeper._engine.catalog, language).say("line.override_people") in told
    monkeypatch.setattr(judge, "known_login", lambda: "deployer")
    world.promote()
    assert len(world.uses()) == 1


def test_an_override_that_has_ended_is_told_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.signs(override())
    later = times.now() + 3 * HOUR
    monkeypatch.setattr(times, "now", lambda: later)
    told = world.refused()
    assert told.index("audit (AUD-01") < told.index("The override that is there") < told.index("It ended on")


def test_an_observed_model_uses_none_up(make: Callable[..., World]) -> None:
    world = make(observe=(Observe(("model",), times.now().date() + 30 * DAY),))
    world.signs(override())
    world.promote()
    assert world.uses() == ()
    assert world.outcomes() == [("deny", "written", "", False)]


def test_an_allowed_promotion_uses_none_up(world: World, tmp_path: Path) -> None:
    assert tmp_path
    world.signs(override())
    for key, value in passing(NAMES, world.digest).version.items():
        if ".audit." in key:
            world.tag(key, value)
    world.promote()
    assert world.uses() == ()
    assert world.outcomes() == [("allow", "written", "", False)]


def test_without_a_log_there_is_no_break_glass(make: Callable[..., World]) -> None:
    world = make()
    world.signs(override())
    keeper = Gatekeeper(replace(world.gatekeeper.config, log=None), world.gatekeeper._engine)
    store = GatedStore(world.database, gatekeeper=keeper)
    with pytest.raises(RefusedError):
        store.set_registered_model_alias("model", "production", 1)
    assert world.aliases() == {}


def test_the_review_is_due_when_the_configuration_says_and_refuses_from_then_on(
    make: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(override=OverrideSettings(review_days=2))
    world.signs(override())
    world.promote()
    for key, value in passing(NAMES, world.digest).version.items():
        if ".audit." in key:
            world.tag(key, value)
    world.promote("champion")
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + 2 * DAY)
    assert "nobody has reviewed that though it was due" in world.refused()
    world.gated.delete_registered_model_alias("model", "champion")
    world.signs(override_review(world.uses()[0].sha256), ["risk"])
    world.promote("champion")
    assert kinds(world.source)[-3:] == ["review", "decision", "outcome"]
    world.promote()
    assert kinds(world.source).count("review") == 1


def test_a_review_is_recorded_before_it_is_due_and_stays_when_it_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.signs(override())
    world.promote()
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + DAY)
    review = override_review(world.uses()[0].sha256)
    world.signs(review, ["risk"], expires_at=now + 2 * DAY)
    world.refused()
    assert world.uses()[0].review
    monkeypatch.setattr(times, "now", lambda: now + 20 * DAY)
    assert "nobody has reviewed" not in world.refused()


def decision(verdict: Verdict, *codes: str, status: str = "fail") -> Decision:
    document = {"findings": [{"status": status}], "problems": [{"code": code, "detail": ""} for code in codes]}
    return Decision(verdict, document, "", "")


@pytest.mark.parametrize(
    ("found", "lifted"),
    [
        (decision(Verdict.DENY), True),
        (decision(Verdict.DENY, "separation_of_duties"), True),
        (decision(Verdict.DENY, "override_review_overdue"), True),
        (decision(Verdict.UNDECIDED, "engine_failed", status="pass"), True),
        (decision(Verdict.UNDECIDED, "engine_failed", "override_review_overdue", status="pass"), True),
        (decision(Verdict.ALLOW, status="pass"), False),
        (decision(Verdict.UNDECIDED, status="undecided"), False),
        (decision(Verdict.UNDECIDED, status="pass"), False),
        (decision(Verdict.UNDECIDED, "engine_failed", status="undecided"), False),
        *(
            (decision(verdict, code, "engine_failed"), False)
            for verdict in (Verdict.DENY, Verdict.UNDECIDED)
            for code in (
                *("bytes_elsewhere", "bytes_missing", "digest_failed", "not_frozen", "clock_went_back", "busy"),
                *("parties_expired", "parties_unreadable", "context_conflict", "context_unsigned", "actor_unknown"),
                *("too_much_evidence", "gate_failed", "malformed_input", "digest_pending", "something new"),
            )
        ),
    ],
)
def test_only_what_the_policies_say_is_lifted(found: Decision, lifted: bool) -> None:  # noqa: FBT001
    assert _is_lifted(request([]), found) is lifted


def test_where_it_has_to_be_known_who_asks_an_override_needs_that_too() -> None:
    settings = Settings(separation_of_duties=Separation.REQUIRED)
    failed = decision(Verdict.UNDECIDED, "engine_failed", status="pass")
    assert not _is_lifted(request([], settings=settings), failed)
    assert _is_lifted(replace(request([], settings=settings), actor="deployer"), failed)


def test_a_moment_that_was_chosen_lifts_nothing() -> None:
    assert not _is_lifted(request([], as_of=True), decision(Verdict.DENY))


def test_a_problem_of_the_request_keeps_its_place_beside_an_overdue_review(world: World) -> None:
    """What is asked for again with more evidence keeps all else that is known of it."""
    problem = Problem("busy", "x")
    keeper = BreakGlass(None, OverrideSettings())

    def ask(more: Sequence[Any]) -> Request:
        assert not more
        return replace(request([], subject=SUBJECT), problems=(problem,))

    assert keeper.with_debts(ask, lambda _: SimpleNamespace()).problems == (problem,)  # type: ignore[arg-type, return-value]
    assert world.uses() == ()
