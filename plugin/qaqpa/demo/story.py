# SPDX-License-Identifier: Apache-2.0
"""The story that the demo tells, one method for each step. Each step checks that it gave what it should."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient

from qaqpa.demo.bank import ORIGIN, REGISTERED_MODEL, Bank, Candidate
from qaqpa.demo.client import Answer, Version
from qaqpa.demo.papers import MEASURED, Papers
from qaqpa.demo.talk import Talk
from qaqpa.evidence.kinds import SYSTEM, kind, kinds
from qaqpa.policy.engine import Engine
from qaqpa.report import text as text_report

_FORBIDDEN = 403
_LEAST_FINDINGS = 6
_FAIRNESS = "NDQ-02"
_SYSTEM_BOUND = [name for name, own in kinds().items() if own.carried_by_system and name != SYSTEM]
# The bias test comes last, so that it alone can still stand in the way.
_MODEL_BOUND = ["audit", "model_card", "explanation", "bias"]


class Story:
    """Runs against a server that is up."""

    def __init__(self, talk: Talk, bank: Bank, engine: Engine, url: str, artifacts: Path) -> None:
        """Takes what the steps need.

        Args:
            talk: where it is told.
            bank: who trains and hands in.
            engine: decides as `qaqpa check` would.
            url: address of the server.
            artifacts: directory in which the server keeps the models' files.
        """
        self._talk = talk
        self._bank = bank
        self._engine = engine
        self._url = url
        self._artifacts = artifacts
        self._client = MlflowClient(url)
        self._about_bytes = [
            control
            for control, card in sorted(engine.catalog.controls.items())
            if set(card["evidence"]) & set(_MODEL_BOUND)
        ]

    def tell(self) -> None:
        """All steps in order."""
        first, papers = self._registered(self._bank.balanced)
        self._refused_without_evidence(first)
        self._who_has_to_act(first)
        self._documents(first, papers)
        self._refused_by_what_was_measured(first, papers)
        second, papers = self._mended()
        self._allowed(second, papers)
        self._altered(second)

    def _registered(self, candidate: Candidate) -> tuple[Version, Papers]:
        with self._talk.busy(f"logging and registering the {candidate.title}"):
            number, papers = self._bank.register(candidate, self._client)
            return Version(self._client, self._url, REGISTERED_MODEL, number), papers

    def _refused_without_evidence(self, version: Version) -> None:
        self._talk.step("Somebody says that the model was audited, and asks for production")
        self._talk.say(
            f"A {self._bank.balanced.title} was trained on half of {len(self._bank)} real mortgage applications and "
            f"registered as {version.uri}. Any client of MLflow can write a tag:"
        )
        tag = (REGISTERED_MODEL, version.number, "audit_passed", "true")
        self._client.set_model_version_tag(*tag)
        self._talk.code(f"client.set_model_version_tag{tag}")
        answer = self._promote(version, "production")
        self._expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(
            f"at least {_LEAST_FINDINGS} findings in the first refusal",
            holds=len(answer.open) >= _LEAST_FINDINGS,
            found=answer.open,
        )

    def _who_has_to_act(self, version: Version) -> None:
        self._talk.step("What is missing, by who has to act")
        self._talk.shell(f"qaqpa check {version.uri}")
        decision = version.decide(self._engine)
        text_report.render(decision, self._engine.catalog, self._talk.out, brief=True)

    def _documents(self, version: Version, papers: Papers) -> None:
        self._talk.step("The papers come in, one by one")
        self._talk.say(
            "The bank and its papers are made up; only the measurements are real. Nobody signs: this demo runs on "
            "declared evidence. What is about the system is kept by the registered model, the rest by the version."
        )
        self._attach_all(version, papers, [SYSTEM, *_SYSTEM_BOUND, *_MODEL_BOUND[:-1]])

    def _refused_by_what_was_measured(self, version: Version, papers: Papers) -> None:
        self._talk.step("The last piece is a measurement, and it speaks against the model")
        self._attach(version, papers, "bias")
        answer = self._promote(version, "production")
        self._expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(f"only {_FAIRNESS} is left", holds=answer.open == [_FAIRNESS], found=answer.open)
        text_report.render(version.decide(self._engine), self._engine.catalog, self._talk.out, brief=True)
        self._talk.out.print()
        codes = {violation["code"] for violation in answer.violations(_FAIRNESS)}
        self._talk.expect("the ratio is too low", holds="selection_ratio_low" in codes, found=sorted(codes))
        self._say_ratio(self._bank.balanced)
        self._talk.say(
            "All papers are in order, and the auditor was content: groups of persons were not in the audit's scope. "
            "No tag and no paper said it; the model did, when it was measured."
        )

    def _mended(self) -> tuple[Version, Papers]:
        self._talk.step("The model is mended: trained again, without the balancing")
        version, papers = self._registered(self._bank.plain)
        answer = self._promote(version, "production")
        self._expect_refusal(version, answer, "production", holder=None)
        self._talk.expect(
            "what is about the system still counts, what was about the other bytes does not",
            holds=answer.open == self._about_bytes,
            found=answer.open,
        )
        self._talk.say(
            f"What was handed in about the system holds for {version.uri} too. What was about other bytes does not: "
            "the audit and the measurements are made anew."
        )
        return version, papers

    def _allowed(self, version: Version, papers: Papers) -> None:
        self._attach_all(version, papers, _MODEL_BOUND)
        self._say_ratio(self._bank.plain)
        answer = self._promote(version, "production")
        self._talk.expect("the promotion is allowed", holds=answer.allowed, found=answer.message)
        self._expect_holder(version, "production", version.number)
        self._talk.say(
            "Allowed means: the evidence is present and consistent. It does not say that the model is lawful. Two "
            "warnings stay, because no measurement is made up: nobody asked readers whether the explanations are "
            "understood, and too few applicants were refused by the bank to compare how often that was wrong."
        )

    def _altered(self, version: Version) -> None:
        self._talk.step("One byte of the approved model is altered where its files lie")
        path = _model_file(
            self._artifacts, self._client.get_model_version_download_uri(REGISTERED_MODEL, version.number)
        )
        before = path.read_bytes()
        flip_last_byte(path)
        self._talk.say(f"{path.name}: {len(before)} bytes, the last one altered. The registry knows nothing of it.")
        answer = self._promote(version, "champion")
        self._expect_refusal(version, answer, "champion", holder=None)
        self._talk.expect("all that was about the bytes", holds=answer.open == self._about_bytes, found=answer.open)
        again = version.promote("production")
        self._talk.expect("pointing production to it again is refused", holds=not again.allowed, found=again.message)
        path.write_bytes(before)
        self._talk.say(
            "Pointing production to it again is refused too. The gate stands before promotions: an alias that points "
            "to the version already stays, so whoever deploys compares the digest again. The byte is put back now."
        )

    def _promote(self, version: Version, alias: str) -> Answer:
        self._talk.code(f"client.set_registered_model_alias{(REGISTERED_MODEL, alias, version.number)}")
        answer = version.promote(alias)
        self._talk.answer(answer.status, answer.message)
        return answer

    def _expect_refusal(self, version: Version, answer: Answer, alias: str, *, holder: str | None) -> None:
        self._talk.expect("a refusal with HTTP 403", holds=answer.status == _FORBIDDEN, found=answer.status)
        self._expect_holder(version, alias, holder)

    def _expect_holder(self, version: Version, alias: str, number: str | None) -> None:
        held = version.holder(alias)
        self._talk.expect(f"{alias} points to version {number}", holds=held == number, found=held)

    def _attach_all(self, version: Version, papers: Papers, names: list[str]) -> None:
        self._talk.shell(f"qaqpa attest KIND FILE --model {version.uri}")
        before = len(version.decide(self._engine).findings)
        for name in names:
            after = self._attach(version, papers, name)
            self._talk.expect(f"{name} leaves no more open than before", holds=after <= before, found=after)
            before = after

    def _attach(self, version: Version, papers: Papers, name: str) -> int:
        version.attach(papers.content(name))
        findings = version.decide(self._engine).findings
        left = [finding["control"] for finding in findings if finding["status"] == "fail"]
        about = " and ".join(sorted(kind(name).binds))
        origin = "measured" if name in MEASURED else "made up"
        self._talk.row(f"{name} ({origin})", f"about the {about}", f"{len(left)} open")
        return len(left)

    def _say_ratio(self, candidate: Candidate) -> None:
        required = self._engine.catalog.controls[_FAIRNESS]["thresholds"]["ratio_min_percent"]["value"]
        low, high = sorted(
            (entry for entry in candidate.numbers["groups"] if entry["attribute"] == ORIGIN),
            key=lambda entry: entry["selected"] / entry["n"],
        )
        self._talk.say(
            f"Measured: {_share(low)} of the {low['group']} applicants are approved, and {_share(high)} of those who "
            f"are {high['group']}; the ratio is {candidate.ratio:.2f}, and at least {required / 100:.2f} is required."
        )


def flip_last_byte(path: Path) -> None:
    """Alters the last byte of a file."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.write_bytes(bytes(data))


def _share(entry: dict[str, int]) -> str:
    return f"{100 * entry['selected'] / entry['n']:.1f} %"


def _model_file(artifacts: Path, location: str) -> Path:
    """The file with the model's weights, in the server's own directory."""
    place = location.removeprefix("mlflow-artifacts:").lstrip("/")
    return artifacts / place / "model.skops"
