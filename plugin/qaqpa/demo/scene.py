# SPDX-License-Identifier: Apache-2.0
"""What the steps of the story do: register a model, sign and attach papers, ask for a promotion, say what was found."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mlflow import MlflowClient

from qaqpa.demo.bank import RACE, REGISTERED_MODEL, Bank, Candidate
from qaqpa.demo.client import Answer, Version
from qaqpa.demo.papers import MEASURED, Papers
from qaqpa.demo.people import APPROVERS, SIGNERS, People
from qaqpa.demo.talk import Talk
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.trust import Trust
from qaqpa.model import Decision, JsonObject
from qaqpa.policy.engine import Engine
from qaqpa.report import text as text_report
from qaqpa.report.texts import Texts

FAIRNESS = "NDQ-02"
"""The control that the measured discrimination violates."""

_MISSING = "evidence_missing"
_FORBIDDEN = 403
_ABOUT = ("model", "system", "stage")


class Scene:
    """Everybody and everything that the story needs, on a server that is up."""

    def __init__(  # noqa: PLR0913 - made in one place
        self, talk: Talk, bank: Bank, people: People, engine: Engine, trust: Trust | None, url: str
    ) -> None:
        """Takes what the steps need.

        Args:
            talk: where the story is told.
            bank: who trains and hands in.
            people: who signs.
            engine: decides as `qaqpa check` would.
            trust: where the parties file comes from.
            url: address of the server.
        """
        self.talk = talk
        self.bank = bank
        self.people = people
        self.engine = engine
        self.client = MlflowClient(url)
        self._trust = trust
        self._url = url

    def registered(self, candidate: Candidate) -> tuple[Version, Papers]:
        """Registers a model, and gives its version and the papers for it."""
        with self.talk.busy(f"logging and registering the {candidate.title}"):
            number, papers = self.bank.register(candidate, self.client)
            return Version(self.client, self._url, REGISTERED_MODEL, number, self._trust), papers

    def report(self, version: Version) -> None:
        """Prints what `qaqpa check` says."""
        text_report.render(version.decide(self.engine), self.engine.catalog, self.talk.out, brief=True)

    def say_who_acts(self, version: Version) -> None:
        """Prints in short what `qaqpa check` says to those who have to act."""
        texts = Texts(self.engine.catalog, "en")
        to_do: dict[str, list[str]] = {}
        for control in failed(version.decide(self.engine)):
            kinds = self.engine.catalog.controls[control]["evidence"]
            to_do.setdefault(texts.actor(control), []).extend(f"{name} ({control})" for name in kinds)
        for actor, lacking in to_do.items():
            self.talk.row(actor, ", ".join(lacking))

    def promote(self, version: Version, alias: str) -> Answer:
        """Asks the server to move an alias, and prints its answer."""
        self.talk.code(f"client.set_registered_model_alias{(REGISTERED_MODEL, alias, version.number)}")
        answer = version.promote(alias)
        self.talk.answer(answer.status, answer.message)
        return answer

    def expect_refusal(self, version: Version, answer: Answer, alias: str, *, holder: str | None) -> None:
        """Notes where a promotion was not refused, or the alias was moved all the same."""
        self.talk.expect("a refusal with HTTP 403", holds=answer.status == _FORBIDDEN, found=answer.status)
        self.expect_holder(version, alias, holder)

    def expect_holder(self, version: Version, alias: str, number: str | None) -> None:
        """Notes where an alias points to another version."""
        held = version.holder(alias)
        self.talk.expect(f"{alias} points to version {number}", holds=held == number, found=held)

    def attest_all(self, version: Version, papers: Papers, names: Sequence[str]) -> None:
        """Signs and attaches papers, each by whoever has to, and prints how much is open after each signer's."""
        self.talk.shell(f"qaqpa attest KIND FILE --model {version.uri} --key KEY")
        before = len(failed(version.decide(self.engine)))
        caption = ""
        for _, group in groupby(names, key=lambda name: (_origin(name), SIGNERS[name])):
            together = list(group)
            if caption != _origin(together[0]):
                caption = _origin(together[0])
                self.talk.output(caption)
            after = len(failed(self._signed(version, [papers.content(name) for name in together])))
            self.talk.expect(f"{together} leave no more open than before", holds=after <= before, found=after)
            before = after

    def attest(self, version: Version, content: JsonObject, signers: Sequence[str] = ()) -> Decision:
        """Signs and attaches one paper, and returns what `qaqpa check` says then.

        Args:
            version: what it is about.
            content: the paper.
            signers: who signs; where empty, whoever has to.
        """
        self.talk.output(_origin(content["kind"]))
        return self._signed(version, [content], signers)

    def _signed(self, version: Version, contents: Sequence[JsonObject], signers: Sequence[str] = ()) -> Decision:
        """Signs and attaches papers that the same persons sign, and prints how much is open then."""
        names = [content["kind"] for content in contents]
        persons = signers or SIGNERS[names[0]]
        for content in contents:
            version.attest(content, self.people.keys(persons))
        decision = version.decide(self.engine)
        who = ", ".join(persons) if len(persons) <= len(APPROVERS) else f"{len(persons)} members"
        self.talk.row(who, ", ".join(names), f"{len(failed(decision))} open")
        return decision

    def say_lacking(self, version: Version, profile: str) -> None:
        """Prints for how many requirements of a profile there is no paper, and from when each of them denies."""
        self.talk.shell(f"qaqpa check {version.uri} --profile {profile}")
        findings = version.decide(self.engine, [profile]).findings
        asked = [found for found in findings if found["status"] != "not_applicable"]
        lacking = [found for found in asked if any(one["code"] == _MISSING for one in found["violations"])]
        by_weight: dict[str, list[str]] = {}
        for found in lacking:
            by_weight.setdefault(_weight(found), []).append(found["control"])
        self.talk.output(f"no papers for {len(lacking)} of {len(asked)} requirements")
        for weight, controls in sorted(by_weight.items()):
            self.talk.row(f"{len(controls)} {weight}", ", ".join(controls))
        others = {found["control"] for found in asked if found["status"] == "fail" and found not in lacking}
        self.talk.expect(f"{profile} misses papers", holds=bool(lacking), found=[])
        self.talk.expect(f"{profile} denies for papers that are missing only", holds=not others, found=sorted(others))

    def say_ratio(self, candidate: Candidate) -> None:
        """Prints what was measured on a model about the race of applicants."""
        required = self.engine.catalog.controls[FAIRNESS]["thresholds"]["ratio_min_percent"]["value"]
        low, high = sorted(
            (entry for entry in candidate.numbers["groups"] if entry["attribute"] == RACE),
            key=lambda entry: entry["selected"] / entry["n"],
        )
        self.talk.say(
            f"Measured: {_share(low)} of the {low['group']} applicants are approved, and {_share(high)} of those who "
            f"are {high['group']}; the ratio is {candidate.ratio:.2f}, and at least {required / 100:.2f} is required."
        )


def _share(entry: dict[str, int]) -> str:
    return f"{100 * entry['selected'] / entry['n']:.1f} %"


def failed(decision: Decision) -> list[str]:
    """The controls that deny."""
    return [finding["control"] for finding in decision.findings if finding["status"] == "fail"]


def warned(decision: Decision) -> list[str]:
    """The controls that warn."""
    return [finding["control"] for finding in decision.findings if finding["status"] == "warn"]


def _origin(name: str) -> str:
    """What a kind is about, and whether the bank made it up."""
    *others, last = [f"the {bound}" for bound in _ABOUT if bound in kind(name).binds]
    about = f"{', '.join(others)} and {last}" if others else last
    return f"about {about}; {'measured' if name in MEASURED else 'made up'}:"


def _weight(finding: JsonObject) -> str:
    if finding["status"] == "fail":
        return "would deny"
    days = [day["text"] for day in finding["denies_from"]]
    return f"would deny from {days[0]}" if days else "would warn"
