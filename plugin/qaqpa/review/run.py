# SPDX-License-Identifier: Apache-2.0
"""The check of a pull request from end to end: each model that is concerned, then and now, and the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from qaqpa.errors import QaqpaError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.digest import DigestError
from qaqpa.evidence.directory import Directory, read_directory
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.parties import Parties
from qaqpa.model import Subject, Verdict
from qaqpa.report.judged import Change, Comparison, Judged, Note, Review
from qaqpa.report.places import Places
from qaqpa.review.compare import TWICE, compare, compared_with_nothing, is_retired, removed
from qaqpa.review.concerned import Concerned, Scene
from qaqpa.review.contexts import needs_signed_context
from qaqpa.review.matching import Pair
from qaqpa.review.state import Judge, State
from qaqpa.review.stored import read_stored
from qaqpa.review.todo import notes, todos
from qaqpa.review.tree import MODEL
from qaqpa.review.values import changed_values
from qaqpa.review.violations import DENY

NEVER, NEW, ANY = "never", "new", "any"
"""What a review refuses: nothing, what became worse, or that and everything that denies."""

_MOST_NAMED = 5


@dataclass(frozen=True)
class Reviewer:
    """Judges the models of a tree.

    Attributes:
        scene: the tree, the base, and what is configured of the repository.
        judge: the rules of the base.
        scratch: an empty directory of one's own.
        parties: the parties file in force; None where there is none.
        fail_on: `never`, `new` or `any`.
        rules: files of the repository that judge, and that the change alters: those of the base are in force.
    """

    scene: Scene
    judge: Judge
    scratch: Path
    parties: Parties | None
    fail_on: str
    rules: Sequence[str] = ()

    def review(self) -> Review:
        """The review.

        Raises:
            QaqpaError: the tree or the base cannot be read, or a file in the tree does not fit its schema.
        """
        judged: list[Judged] = []
        errors: list[QaqpaError] = []
        for concerned in self.scene.concerned(everything=self.fail_on == ANY):
            try:
                judged += self._judged(concerned)
            except QaqpaError as error:  # noqa: PERF203 - all that is broken is told at once
                errors.append(error)
        if errors:
            raise _together(errors)
        if self.rules and not judged:
            named = ", ".join(map(visible, self.rules))
            self.scene.say(f"changed here: {named}. The base's judged; the change is in force after the merge")
        base = self.scene.base
        return Review(tuple(judged), base.ref, base.tip, self.fail_on, _outcome(judged, self.fail_on))

    def _judged(self, concerned: Concerned) -> Iterator[Judged]:
        pair = concerned.pair
        if not pair.now:
            yield from self._gone(pair)
            return
        target = self.scene.spot.tree / pair.now
        directory = read_directory(target)
        now = self.judge.judge(directory)
        same_model = directory.subject.digest if MODEL not in concerned.parts else None
        before = self._before(pair, same_model) if pair.before else None
        about = [Change("", TWICE, directory.subject.name, DENY)] if pair.twice else []
        comparison = self._comparison(pair, before, now, about)
        said = [
            *([Note("note.context_unsigned")] if needs_signed_context(comparison.new) else []),
            *(changed_values(before.directory, directory) if before else ()),
            *self._about_code(concerned, before, now),
            *notes(todos(now, self.judge.engine.catalog, self.parties)),
        ]
        yield self._report(now, target, comparison, said)

    def _comparison(self, pair: Pair, before: State | None, now: State, about: list[Change]) -> Comparison:
        if before is None:
            return compared_with_nothing(now, existed=bool(pair.before), about=about)
        same = before.request.context_digest == now.request.context_digest
        in_old_context = now.decision if same else self.judge.in_context_of(now, before)
        return compare(before, now, in_old_context, about=about)

    def _gone(self, pair: Pair) -> Iterator[Judged]:
        """A model whose directory is gone: judged without any evidence, for that is what is left of it.

        To take a system out of use is nobody's fault. But that it is out of use cannot be seen from papers that are
        missing, so it is shown by the code: where the configuration of the base names its code and none of that is left
        either, that is told and nothing is refused for it.
        """
        inside = visible(self.scene.spot.inside(pair.before))
        with_code = self.scene.code_is_gone(pair.before)
        if with_code:
            self.scene.say(f"{inside} is gone, and so is its code: nothing is refused for that")
        before = self._before(pair, None)
        subject = Subject(before.request.subject.name if before else self.scene.name_of(pair.before))
        verdict = before.decision.verdict.value if before else ""
        yield self._report(
            self.judge.judge(Directory(subject, [], [])),
            self.scene.spot.tree / pair.before,
            removed(self.scene.spot.inside(pair.before), verdict, with_code=with_code),
            [Note("note.retired" if with_code else "note.removed", {"target": self.scene.spot.inside(pair.before)})],
        )

    def _before(self, pair: Pair, same_model: str | None) -> State | None:
        """The state at the base; None where what lies there cannot be read, which is said."""
        scratch = Path(mkdtemp(dir=self.scratch))
        try:
            return self.judge.judge(read_stored(self.scene.stored[pair.before], self.scene.blobs, scratch, same_model))
        except (UsageError, DigestError) as error:
            place = f"{self.scene.base.ref}:{self.scene.spot.inside(pair.before)}"
            said = str(error).replace(str(scratch), place)
            self.scene.say(f"what the base has cannot be judged, so everything counts as new: {said}")
            return None

    def _report(self, now: State, target: Path, comparison: Comparison, own_notes: Iterable[Note]) -> Judged:
        places = Places(now.request, str(target), self.scene.config.path)
        rules = [Note("note.rules_changed", {"files": list(self.rules)})] if self.rules else []
        return Judged(now.decision, str(target), places, comparison, (*rules, *own_notes), self.fail_on)

    def _about_code(self, concerned: Concerned, before: State | None, now: State) -> Iterator[Note]:
        """That code changed and the evidence about the model did not: perhaps it is about something older."""
        if not concerned.code or MODEL in concerned.parts or (before and _about_model(before) != _about_model(now)):
            return
        files = list(concerned.code[:_MOST_NAMED])
        if len(concerned.code) > _MOST_NAMED:
            yield Note("note.code_changed_more", {"files": files, "count": len(concerned.code) - _MOST_NAMED})
        else:
            yield Note("note.code_changed", {"files": files})


def _about_model(state: State) -> set[str]:
    """The ids of what is said about the bytes of the model."""
    return {fact.id for fact in state.facts if "model" in kind(fact.kind).binds}


def _outcome(judged: Iterable[Judged], fail_on: str) -> Verdict:
    """What the exit code says. Who refuses everything refuses what became worse too."""
    found = list(judged)
    if any(one.decision.verdict is Verdict.UNDECIDED for one in found):
        return Verdict.UNDECIDED
    worse = any(change.level == DENY for one in found if one.comparison for change in one.comparison.new)
    denied = any(one.decision.verdict is Verdict.DENY and not is_retired(one.comparison) for one in found)
    refused = {NEVER: False, NEW: worse, ANY: worse or denied}
    return Verdict.DENY if refused[fail_on] else Verdict.ALLOW


def _together(errors: list[QaqpaError]) -> QaqpaError:
    """All errors in one; a broken file weighs more than one that cannot be read."""
    if len(errors) == 1:
        return errors[0]
    worst = min(errors, key=lambda error: error.exit_code)
    # Not `splitlines`: a name may hold other characters that end a line.
    lines = [line for error in errors for line in str(error).split("\n")]
    return type(worst)("\n".join([f"{len(errors)} models cannot be read:", *lines]))
