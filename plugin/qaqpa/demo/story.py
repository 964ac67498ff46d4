# SPDX-License-Identifier: Apache-2.0
"""The story that the demo tells, one method for each step. Each step checks that it gave what it should."""

from __future__ import annotations

from pathlib import Path

from qaqpa.demo.bank import REGISTERED_MODEL
from qaqpa.demo.client import Answer, Version
from qaqpa.demo.papers import Papers
from qaqpa.demo.people import AUDITOR, OWNER, RISK_OWNER, People, openssh_says
from qaqpa.demo.scene import FAIRNESS, Scene
from qaqpa.demo.talk import Talk
from qaqpa.evidence.kinds import RESPONSIBILITY, SYSTEM, kinds
from qaqpa.report import evidence

_LEAST_FINDINGS = 6
_FIRST = [SYSTEM, RESPONSIBILITY]
_SYSTEM_BOUND = [name for name, own in kinds().items() if own.carried_by_system and name not in _FIRST]
# The bias test comes last, so that it alone can still stand in the way.
_MODEL_BOUND = ["model_card", "explanation", "audit", "bias"]


class Story:
    """Runs against a server that is up."""

    def __init__(self, scene: Scene, artifacts: Path) -> None:
        """Takes what the steps need.

        Args:
            scene: everybody and everything.
            artifacts: directory in which the server keeps the models' files.
        """
        self._scene = scene
        self._talk = scene.talk
        self._artifacts = artifacts
        self._about_bytes = [
            control
            for control, card in sorted(scene.engine.catalog.controls.items())
            if set(card["evidence"]) & set(_MODEL_BOUND)
        ]

    def tell(self) -> None:
        """All steps in order."""
        first, papers = self._scene.registered(self._scene.bank.balanced)
        self._refused_without_evidence(first)
        self._who_has_to_act(first)
        self._keys()
        self._signed(first, papers)
        self._own_audit(first, papers)
        self._refused_by_what_was_measured(first, papers)
        second, papers = self._mended()
        self._allowed(second, papers)
        self._altered(second)

    def _refused_without_evidence(self, version: Version) -> None:
        bank = self._scene.bank
        self._talk.step("Somebody says that the model was audited, and asks for production")
        self._talk.say(
            f"A {bank.balanced.title} was trained on half of {len(bank)} real mortgage applications and "
            f"registered as {version.uri}. Any client of MLflow can write a tag:"
        )
        tag = (REGISTERED_MODEL, version.number, "audit_passed", "true")
        self._scene.client.set_model_version_tag(*tag)
        self._talk.code(f"client.set_model_version_tag{tag}")
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(
            f"at least {_LEAST_FINDINGS} findings in the first refusal",
            holds=len(answer.open) >= _LEAST_FINDINGS,
            found=answer.open,
        )

    def _who_has_to_act(self, version: Version) -> None:
        self._talk.step("What is missing, by who has to act")
        self._talk.shell(f"qaqpa check {version.uri}")
        self._scene.report(version)

    def _keys(self) -> None:
        people = self._scene.people
        self._talk.step("The papers come in, each signed by whoever answers for it")
        self._talk.say(
            f"The bank, its people and its papers are made up; the measurements and the signatures are real. Its "
            f"parties file, signed by two root keys, says who may sign what: {len(people)} persons of {people.units} "
            f"units, each with a key made a moment ago. A key's id is the one that OpenSSH shows:"
        )
        show_key(self._talk, people, RISK_OWNER)

    def _signed(self, version: Version, papers: Papers) -> None:
        self._talk.say(
            "The risk owner signs the context, which says what the system is: no developer can make a requirement go "
            "away by calling it harmless. This server has no login that tells who trained the model; until the model "
            "owner has signed that, nobody can be shown to be independent, and the context does not count."
        )
        self._scene.attest_all(version, papers, [*_FIRST, *_SYSTEM_BOUND, *_MODEL_BOUND[:-2]])

    def _own_audit(self, version: Version, papers: Papers) -> None:
        self._talk.step("The model owner audits the own model")
        self._talk.say("The model owner is an auditor too, with a key that the parties file lists, and is content:")
        own = {**papers.content("audit"), "auditor": OWNER}
        decision, before = self._scene.attested(version, own, [OWNER])
        refusals = [found for found in evidence.refused(decision, "audit") if found["code"] == "not_independent"]
        self._talk.expect("the owner's audit is refused as not independent", holds=len(refusals) == 1, found=refusals)
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._talk.say("The auditor, of a unit that neither trains nor owns nor deploys it, signs an audit:")
        _, after = self._scene.attested(version, papers.content("audit"), [AUDITOR])
        self._talk.say("The owner's audit stays where it is, for everybody to read, and counts for nothing.")
        closed = sorted(set(before) - set(after))
        self._talk.expect("the auditor's audit is accepted", holds=closed == ["AUD-01"], found=closed)

    def _refused_by_what_was_measured(self, version: Version, papers: Papers) -> None:
        self._talk.step("The last piece is a measurement, and it speaks against the model")
        self._scene.attest(version, papers.content("bias"))
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(f"only {FAIRNESS} is left", holds=answer.open == [FAIRNESS], found=answer.open)
        self._scene.report(version)
        self._talk.out.print()
        codes = {violation["code"] for violation in answer.violations(FAIRNESS)}
        self._talk.expect("the ratio is too low", holds="selection_ratio_low" in codes, found=sorted(codes))
        self._scene.say_ratio(self._scene.bank.balanced)
        self._talk.say(
            "All papers are in order, and the auditor was content: groups of persons were not in the audit's scope. "
            "No tag and no paper said it; the model did, when it was measured."
        )

    def _mended(self) -> tuple[Version, Papers]:
        self._talk.step("The model is mended: trained again, without the balancing")
        version, papers = self._scene.registered(self._scene.bank.plain)
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._expect_only_bytes(answer)
        self._talk.say(
            f"What was handed in about the system holds for {version.uri} too. What was about other bytes does not: "
            "the audit and the measurements are made anew."
        )
        return version, papers

    def _allowed(self, version: Version, papers: Papers) -> None:
        self._scene.attest_all(version, papers, _MODEL_BOUND)
        self._scene.say_ratio(self._scene.bank.plain)
        answer = self._scene.promote(version, "production")
        self._talk.expect("the promotion is allowed", holds=answer.allowed, found=answer.message)
        self._scene.expect_holder(version, "production", version.number)
        self._talk.say(
            "Allowed means: the evidence is present and consistent. It does not say that the model is lawful. Two "
            "warnings stay, because no measurement is made up: nobody asked readers whether the explanations are "
            "understood, and too few applicants were refused by the bank to compare how often that was wrong."
        )

    def _altered(self, version: Version) -> None:
        self._talk.step("One byte of the approved model is altered where its files lie")
        uri = self._scene.client.get_model_version_download_uri(REGISTERED_MODEL, version.number)
        path = _model_file(self._artifacts, uri)
        before = path.read_bytes()
        flip_last_byte(path)
        self._talk.say(f"{path.name}: {len(before)} bytes, the last one altered. The registry knows nothing of it.")
        answer = self._scene.promote(version, "champion")
        self._scene.expect_refusal(version, answer, "champion", holder=None)
        self._expect_only_bytes(answer)
        self._talk.row("void, about the model:", ", ".join(answer.open), style="red")
        self._talk.row("kept, about the system:", ", ".join(answer.met), style="green")
        again = version.promote("production")
        self._talk.expect("pointing production to it again is refused", holds=not again.allowed, found=again.message)
        path.write_bytes(before)
        self._talk.say(
            "Pointing production to it again is refused too. The gate stands before promotions: an alias that points "
            "to the version already stays, so whoever deploys compares the digest again. The byte is put back now."
        )

    def _expect_only_bytes(self, answer: Answer) -> None:
        """What is about the system still counts, what was about other bytes does not."""
        self._talk.expect(
            "all that is about the bytes is void", holds=answer.open == self._about_bytes, found=answer.open
        )
        others = sorted(set(self._scene.engine.catalog.controls) - set(self._about_bytes))
        self._talk.expect("all that is about the system is kept", holds=answer.met == others, found=answer.met)


def show_key(talk: Talk, people: People, name: str) -> None:
    """Prints the id of a person's key, how to look at it with OpenSSH, and what OpenSSH says where it is installed."""
    key_id, public = people.key_id(name), people.key_file(f"{name}.pub")
    talk.output(f"{name}: {key_id}")
    talk.shell(f"ssh-keygen -l -f {public}")
    shown = openssh_says(public)
    if shown is not None:
        talk.output(shown)
        talk.expect("ssh-keygen shows the same key id", holds=key_id in shown.split(), found=shown)


def flip_last_byte(path: Path) -> None:
    """Alters the last byte of a file."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.write_bytes(bytes(data))


def _model_file(artifacts: Path, location: str) -> Path:
    """The file with the model's weights, in the server's own directory."""
    place = location.removeprefix("mlflow-artifacts:").lstrip("/")
    return artifacts / place / "model.skops"
