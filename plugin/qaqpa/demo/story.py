# SPDX-License-Identifier: Apache-2.0
"""The story that the demo tells, one method for each step. Each step checks that it gave what it should."""

from __future__ import annotations

from pathlib import Path

from qaqpa.demo.bank import REGISTERED_MODEL
from qaqpa.demo.client import PROFILES, Answer, Version
from qaqpa.demo.papers import Papers
from qaqpa.demo.people import OWNER, RISK_OWNER, SIGNERS, People, openssh_says
from qaqpa.demo.scene import FAIRNESS, Scene, failed, warned
from qaqpa.demo.talk import Talk
from qaqpa.evidence.kinds import RESPONSIBILITY, SYSTEM, kind
from qaqpa.report import evidence

LAWS = ("kz", "gdpr", "eu-ai-act-high-risk")
"""The profiles that claim a statute, by which the allowed version is looked at in the end."""

_NOT_MEASURED = ("NDQ-01", "NDQ-02", "TRN-02")
_FIRST = [SYSTEM, RESPONSIBILITY]
_LAST = ["audit", "release_approval", "bias"]


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
        controls = scene.engine.catalog.controls
        self._asked = sorted(scene.engine.catalog.asked(PROFILES))
        needed = {name for control in self._asked for name in controls[control]["evidence"]}
        # Papers of one signer come together.
        by_signer = sorted(needed - {*_FIRST, *_LAST}, key=lambda name: (SIGNERS[name][0], name))
        self._about_system = [name for name in by_signer if kind(name).carried_by_system]
        self._measured = [name for name in by_signer if name not in self._about_system]
        bytes_bound = {*self._measured, *_LAST}
        self._about_bytes = [control for control in self._asked if set(controls[control]["evidence"]) & bytes_bound]

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
        self._asked_by_laws(second)

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
            "the first refusal names all that is asked", holds=answer.open == self._asked, found=answer.open
        )

    def _who_has_to_act(self, version: Version) -> None:
        self._talk.step("What is missing, by who has to act")
        self._talk.shell(f"qaqpa check {version.uri}")
        self._talk.say("Its report goes on for pages. In short, each of them is told to hand in:")
        self._scene.say_who_acts(version)

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
        self._scene.attest_all(version, papers, [*_FIRST, *self._about_system, *self._measured])

    def _own_audit(self, version: Version, papers: Papers) -> None:
        self._talk.step("The model owner audits the own model")
        self._talk.say("The model owner is an auditor too, with a key that the parties file lists, and is content:")
        own = {**papers.content("audit"), "auditor": OWNER}
        decision = self._scene.attest(version, own, [OWNER])
        refusals = [found for found in evidence.refused(decision, "audit") if found["code"] == "not_independent"]
        self._talk.expect("the owner's audit is refused as not independent", holds=len(refusals) == 1, found=refusals)
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._talk.say("The auditor, of a unit that neither trains nor owns nor deploys it, signs an audit:")
        after = self._scene.attest(version, papers.content("audit"))
        self._talk.say("The owner's audit stays where it is, for everybody to read, and counts for nothing.")
        closed = sorted({*failed(decision)} - {*failed(after)})
        self._talk.expect("the auditor's audit is accepted", holds=closed == ["AUD-01"], found=closed)

    def _refused_by_what_was_measured(self, version: Version, papers: Papers) -> None:
        self._talk.step("The last piece is a measurement, and it speaks against the model")
        self._talk.say(
            "Two heads of the bank, neither of whom trained the model, approve the release of exactly these bytes for "
            "production. The trainer, who has measured much already, measures one thing more: groups of persons."
        )
        self._scene.attest_all(version, papers, ["release_approval", "bias"])
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(f"only {FAIRNESS} is left", holds=answer.open == [FAIRNESS], found=answer.open)
        self._scene.report(version)
        self._talk.out.print()
        codes = {violation["code"] for violation in answer.violations(FAIRNESS)}
        self._talk.expect("the ratio is too low", holds="selection_ratio_low" in codes, found=sorted(codes))
        self._scene.say_ratio(self._scene.bank.balanced)
        self._talk.say(
            "All papers are in order. The auditor was content, for groups of persons were not in the audit's scope, "
            "and the heads approved. No tag and no paper said it; the model did, when it was measured."
        )

    def _mended(self) -> tuple[Version, Papers]:
        self._talk.step("The model is mended: trained again, without the balancing")
        version, papers = self._scene.registered(self._scene.bank.plain)
        answer = self._scene.promote(version, "production")
        self._scene.expect_refusal(version, answer, "production", holder=None)
        self._expect_only_bytes(answer)
        self._talk.say(
            f"What was handed in about the system holds for {version.uri} too. What was about other bytes does not: "
            "the measurements, the audit and the approval are made anew."
        )
        return version, papers

    def _allowed(self, version: Version, papers: Papers) -> None:
        self._scene.attest_all(version, papers, [*self._measured, "bias", "audit", "release_approval"])
        self._scene.say_ratio(self._scene.bank.plain)
        answer = self._scene.promote(version, "production")
        self._talk.expect("the promotion is allowed", holds=answer.allowed, found=answer.message)
        self._scene.expect_holder(version, "production", version.number)
        left = warned(version.decide(self._scene.engine))
        self._talk.say(
            "Allowed means: the evidence is present and consistent. It does not say that the model is lawful. Warnings "
            f"stay ({', '.join(left)}), because nothing measured is made up: nobody knows for certain when the "
            "applications were made or how right the bank's decisions were, too few applicants were refused to compare "
            "how often that was wrong, and nobody asked readers whether the explanations are understood."
        )
        self._talk.expect("what was not measured warns", holds={*_NOT_MEASURED} <= {*left}, found=left)

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

    def _asked_by_laws(self, version: Version) -> None:
        self._talk.step("What the laws would ask of the allowed version")
        self._talk.say(
            "So far one profile was asked, which rests on an article and on no law. Others claim a statute. Most "
            "papers serve them too, and some the bank has not handed in. Nothing is promoted here; `qaqpa check` only "
            "looks, and in short it says:"
        )
        for profile in LAWS:
            self._scene.say_lacking(version, profile)
        self._talk.say(
            "A paper more is not a law kept: a pass in any of them says that evidence is there and consistent. The "
            "directory examples/credit-scoring of the source has made-up papers for these profiles too."
        )

    def _expect_only_bytes(self, answer: Answer) -> None:
        """What is about the system still counts, what was about other bytes does not."""
        self._talk.expect(
            "all that is about the bytes is void", holds=answer.open == self._about_bytes, found=answer.open
        )
        others = [control for control in self._asked if control not in self._about_bytes]
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
