# SPDX-License-Identifier: Apache-2.0
"""What the steps of the story do: register a model, sign and attach papers, ask for a promotion, say what was found."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow import MlflowClient

from qaqpa.demo.bank import ORIGIN, REGISTERED_MODEL, Bank, Candidate
from qaqpa.demo.client import Answer, Version
from qaqpa.demo.papers import MEASURED, Papers
from qaqpa.demo.people import SIGNERS, People
from qaqpa.demo.talk import Talk
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.trust import Trust
from qaqpa.model import Decision, JsonObject
from qaqpa.policy.engine import Engine
from qaqpa.report import text as text_report

FAIRNESS = "NDQ-02"
"""The control that the measured discrimination violates."""

_FORBIDDEN = 403


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
        """Signs and attaches papers, each by whoever has to, and prints how much is open after each."""
        self.talk.shell(f"qaqpa attest KIND FILE --model {version.uri} --key KEY")
        before = len(version.decide(self.engine).findings)
        for name in names:
            after = self.attest(version, papers.content(name))
            self.talk.expect(f"{name} leaves no more open than before", holds=after <= before, found=after)
            before = after

    def attest(self, version: Version, content: JsonObject, signers: Sequence[str] = ()) -> int:
        """Signs and attaches one paper, and returns how many controls are open then."""
        return len(self.attested(version, content, signers)[1])

    def attested(
        self, version: Version, content: JsonObject, signers: Sequence[str] = ()
    ) -> tuple[Decision, list[str]]:
        """Signs and attaches one paper.

        Args:
            version: what it is about.
            content: the paper.
            signers: who signs; where empty, whoever has to.

        Returns:
            What `qaqpa check` says then, and the controls that are open.
        """
        name = content["kind"]
        persons = signers or SIGNERS[name]
        version.attest(content, self.people.keys(persons))
        decision = version.decide(self.engine)
        left = [finding["control"] for finding in decision.findings if finding["status"] == "fail"]
        origin = "measured" if name in MEASURED else "made up"
        who = persons[0] if len(persons) == 1 else f"{len(persons)} members"
        about = " and ".join(sorted(kind(name).binds))
        self.talk.row(f"{name} ({origin})", f"about the {about}", f"signed by {who}", f"{len(left)} open")
        return decision, left

    def say_ratio(self, candidate: Candidate) -> None:
        """Prints what was measured on a model about the origin of applicants."""
        required = self.engine.catalog.controls[FAIRNESS]["thresholds"]["ratio_min_percent"]["value"]
        low, high = sorted(
            (entry for entry in candidate.numbers["groups"] if entry["attribute"] == ORIGIN),
            key=lambda entry: entry["selected"] / entry["n"],
        )
        self.talk.say(
            f"Measured: {_share(low)} of the {low['group']} applicants are approved, and {_share(high)} of those who "
            f"are {high['group']}; the ratio is {candidate.ratio:.2f}, and at least {required / 100:.2f} is required."
        )


def _share(entry: dict[str, int]) -> str:
    return f"{100 * entry['selected'] / entry['n']:.1f} %"
