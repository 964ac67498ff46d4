# SPDX-License-Identifier: Apache-2.0
"""Real git repositories with models in them, for the check of a pull request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.model import JsonObject
from support.contents import contents
from support.directories import sign, signed_system, write_system, write_trust, write_yaml

Capture = pytest.CaptureFixture[str]

_WHO = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


def git(where: Path, *arguments: str, given: bytes = b"") -> str:
    """What git answers; whatever is configured on the machine is left out.

    Raises:
        subprocess.CalledProcessError: git fails.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *_WHO, "-C", str(where), *arguments]
    answer = subprocess.run(command, check=True, capture_output=True, input=given, env=clean, timeout=60)
    return os.fsdecode(answer.stdout).strip()


class PullRequest:
    """A repository on the branch `change`, made from `main`; the working directory of the test is its top.

    At first both hold one sound model in `governance/credit`, whatever `more` puts there, and nothing else.
    """

    def __init__(self, top: Path, capsys: Capture) -> None:
        self.top, self._capsys = top, capsys
        self.tree = top / "governance"
        self.credit = self.tree / "credit"
        git(top, "init", "--quiet", "--initial-branch=main")

    def system(self, name: str = "credit", *, without: Sequence[str] = ()) -> Path:
        """Writes a sound model."""
        return write_system(self.tree / name, without=without)

    def commit(self, message: str = "change") -> str:
        """Commits the whole work tree, and gives the commit."""
        git(self.top, "add", "--all", "--force")
        git(self.top, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.top, "rev-parse", "HEAD")

    def branch(self) -> None:
        """Commits what is there to `main`, and goes on from it on `change`."""
        self.commit("base")
        git(self.top, "checkout", "--quiet", "-b", "change")

    def on_main(self, path: str, text: str) -> None:
        """Writes a file on `main` alone, and comes back."""
        git(self.top, "checkout", "--quiet", "main")
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_text(text, encoding="utf-8")
        self.commit("later")
        git(self.top, "checkout", "--quiet", "change")

    def said(self, *more: str, tree: str = "governance", base: str = "main") -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the check."""
        self._capsys.readouterr()
        code = main(["check", tree, "--base", base, *more])
        return code, *self._capsys.readouterr()

    def check(self, *more: str, tree: str = "governance", base: str = "main") -> Checked:
        """The check as JSON."""
        code, out, err = self.said("--format", "json", *more, tree=tree, base=base)
        return Checked(code, json.loads(out) if out else {}, err)


class Checked:
    """Exit code, review and standard error of a check."""

    def __init__(self, code: int, review: JsonObject, err: str) -> None:
        self.code, self.review, self.err = code, review, err

    @property
    def targets(self) -> list[str]:
        """The directories that were judged."""
        return [report["target"] for report in self.review["reports"]]

    def report(self, target: str = "governance/credit") -> Any:
        """The report about one directory."""
        return next(report for report in self.review["reports"] if report["target"] == target)

    def new(self, target: str = "governance/credit") -> set[tuple[str, str, str, str]]:
        """What became worse, as control, code, field and level."""
        return _changes(self.report(target)["comparison"]["new"])

    def mended(self, target: str = "governance/credit") -> set[tuple[str, str, str, str]]:
        """What was mended."""
        return _changes(self.report(target)["comparison"]["mended"])


def _changes(changes: Iterable[JsonObject]) -> set[tuple[str, str, str, str]]:
    return {(change["control"], change["code"], change["field"], change["level"]) for change in changes}


def edit(path: Path, *replacements: tuple[str, str]) -> None:
    """Replaces texts in a file, each of which has to be there."""
    text = path.read_text("utf-8")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def signed_for_review(pull: PullRequest) -> None:
    """Signs everything but the approval of the release, which is for another stage, and remains a draft here."""
    signed_system(pull.credit)
    (pull.credit / "evidence" / "release_approval.json").unlink()
    write_evidence(pull, "release_approval")
    trust_in(pull.top)


def sign_again(pull: PullRequest, kind: str, draft: Path, *more: str) -> None:
    """Puts another statement in the place of one, and leaves no draft and no key behind."""
    (pull.credit / "evidence" / f"{kind}.json").unlink(missing_ok=True)
    assert sign(pull.credit, kind, draft, *more) == 0
    if draft.parent.name == "evidence":
        draft.unlink()
    shutil.rmtree(pull.tree / "keys")


def trust_in(top: Path) -> None:
    """A parties file in the repository, named by a path relative to the configuration."""
    write_trust(top)
    edit(top / "qaqpa.yaml", (json.dumps(str(top / "parties.signed.json")), '"parties.signed.json"'))


def write_evidence(pull: PullRequest, kind: str, **changes: Any) -> None:
    write_yaml(pull.credit / "evidence" / f"{kind}.yaml", {**contents(times.now())[kind], **changes})


def refused(pull: PullRequest, *more: str, **named: str) -> Any:
    """The check refuses the audit that is gone, and so was not fooled."""
    found = pull.check("--fail-on", "new", *more, **named)
    assert found.code == 3
    assert ("AUD-01", "evidence_missing", "audit", "deny") in found.new()
    return found
