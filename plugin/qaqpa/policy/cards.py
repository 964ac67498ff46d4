# SPDX-License-Identifier: Apache-2.0
"""Checks that controls, cards, profiles, acts, texts and tests fit together, before anything is compiled.

A card that names no evidence, a code without a text or a profile with a misspelt control would otherwise be noticed
at the first promotion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from qaqpa import times
from qaqpa.documents import Document, DocumentError, load_schema, read, validate
from qaqpa.evidence.kinds import SYSTEM, WAIVER, WITHDRAWAL, kinds
from qaqpa.model import JsonObject
from qaqpa.policy.codes import Codes, codes_of
from qaqpa.policy.index import control_id, control_names
from qaqpa.policy.opa import PolicyError, run_opa

_TEXTS = Path(__file__).parent.parent / "report" / "texts" / "en.json"
_TEST = re.compile(r"^test_\w+", re.MULTILINE)
_MAX_SHOWN = 10
# The context decides what applies, a waiver excuses, a withdrawal takes back: no control can rest on them.
_NO_EVIDENCE = {SYSTEM, WAIVER, WITHDRAWAL}
_CARD_FIELDS = (
    "family, evidence, actors, waivable, thresholds, provisions and texts, and where it is wanted minimum_strength, "
    "each as schemas/card.json says"
)
_PROFILE_FIELDS = "statutory, controls and texts, each as schemas/profile.json says"

_Problems = Iterator[PolicyError]


def check_cards(policies: Path, own: Path | None = None) -> None:
    """Checks the cards and profiles of a policy directory, and that every control has a card, texts and a test.

    Args:
        policies: the whole policies; with `own`, the shipped ones with those of a user.
        own: the user's directory, to check their files only, and to name them where the user keeps them.

    Raises:
        PolicyError: naming file, line and column of everything that does not fit, at most ten.
    """
    problems = list(_Check(policies, own or policies).problems())
    if len(problems) == 1:
        raise problems[0]
    if problems:
        more = [f"and {len(problems) - _MAX_SHOWN} more"] if len(problems) > _MAX_SHOWN else []
        raise PolicyError("\n".join([*(str(problem) for problem in problems[:_MAX_SHOWN]), *more]))


@lru_cache(maxsize=1)
def _actors() -> list[str]:
    names = (name.split(".", 1) for name in json.loads(_TEXTS.read_bytes()))
    return sorted(rest[0] for group, *rest in names if group == "actor")


class _Check:
    """One run over the files of `where`, which may rest on all that is in `policies`."""

    def __init__(self, policies: Path, where: Path) -> None:
        self._policies, self._where = policies, where
        self._controls = {control_id(name): name for name in control_names(policies)}

    def problems(self) -> _Problems:
        rules = {
            control_id(path.stem): path
            for path in sorted(self._where.glob("controls/*/*.rego"))
            if not path.stem.endswith("_test")
        }
        for control, path in rules.items():
            yield from self._rule(control, path)
        for path in sorted(self._where.glob("catalog/*/data.*")):
            yield from _read(path, "card", _CARD_FIELDS, lambda card: self._card(card, rules))
        for path in sorted(self._where.glob("profiles/*/data.*")):
            yield from _read(path, "profile", _PROFILE_FIELDS, self._profile)

    def _rule(self, control: str, path: Path) -> _Problems:
        if not list(self._policies.glob(f"catalog/{control}/data.*")):
            yield PolicyError(
                f"The control {control} has no card",
                where=str(path),
                required=f"catalog/{control}/data.yaml with {_CARD_FIELDS}",
                mend="Write the card",
            )
        test = path.with_name(f"{path.stem}_test.rego")
        if not test.is_file() or not _TEST.search(test.read_text("utf-8")):
            yield PolicyError(
                f"The control {control} has no test",
                where=str(path),
                required=f"{test.name} beside it, with at least one rule test_…",
                mend="Show what passes, what does not apply, and each violation",
            )

    def _card(self, card: Document, rules: Mapping[str, Path]) -> _Problems:
        control = Path(card.name).parent.name
        if control not in self._controls:
            yield PolicyError(
                f"The card {control} has no control",
                where=card.where(),
                required=f"controls/<family>/{control.lower().replace('-', '_')}.rego",
                mend="Write the control, or correct the name of the card's folder",
            )
        known = {"evidence": sorted(set(kinds()) - _NO_EVIDENCE), "actors": _actors()}
        for field, names in known.items():
            for number, name in enumerate(card.value[field]):
                if name not in names:
                    yield PolicyError(
                        f"{field}: {name!r} is not known",
                        where=card.where((field, number)),
                        required=f"one of {', '.join(names)}",
                        mend="Correct the name",
                    )
        for number, rest in enumerate(card.value["provisions"]):
            yield from self._provision(card.where(("provisions", number)), rest)
        if control in rules:
            yield from _texts(card, _codes(rules[control]))

    def _provision(self, where: str, rest: JsonObject) -> _Problems:
        provisions = self._law().get(rest["act"])
        if provisions is None or rest["provision"] not in provisions:
            yield PolicyError(
                f"provisions: {rest['act']!r} has no provision {rest['provision']!r}"
                if provisions is not None
                else f"provisions: there is no act {rest['act']!r}",
                where=where,
                required=f"one of {', '.join(provisions if provisions is not None else self._law())}",
                mend=f"Correct the name, or add it to law/{rest['act']}/data.yaml",
            )

    def _law(self) -> dict[str, list[str]]:
        """The ids of the provisions of each act."""
        found = {}
        for path in sorted(self._policies.glob("law/*/data.*")):
            own = self._where / path.relative_to(self._policies)
            act = _value(own if own.exists() else path)
            provisions = act.get("provisions") if isinstance(act, dict) else None
            found[path.parent.name] = sorted(provisions) if isinstance(provisions, dict) else []
        return found

    def _profile(self, profile: Document) -> _Problems:
        fields = sorted(load_schema(f"evidence/{SYSTEM}")["properties"])
        for control, demand in profile.value["controls"].items():
            place = ("controls", control)
            if control not in self._controls:
                yield PolicyError(
                    f"controls: there is no control {control!r}",
                    where=profile.where(place),
                    required=f"one of {', '.join(self._controls)}",
                    mend="Correct the name, or write the control",
                )
            for field in demand.get("warn_when", {}):
                if field not in fields:
                    yield PolicyError(
                        f"controls.{control}.warn_when: the context has no field {field!r}",
                        where=profile.where((*place, "warn_when", field)),
                        required=f"one of {', '.join(fields)}",
                        mend="Correct the name",
                    )
            day = demand.get("applies_from")
            if day and times.pair(times.parse(day["text"]), day["text"]) != day:
                yield PolicyError(
                    f"controls.{control}.applies_from: text and seconds are different times",
                    where=profile.where((*place, "applies_from")),
                    required=f"seconds: {times.pair(times.parse(day['text']))['seconds']}",
                    mend="Correct one of them",
                )


def _read(path: Path, schema: str, required: str, check: Callable[[Document], _Problems]) -> _Problems:
    """Problems of one file: those of its form, or where it has none, those that `check` finds."""
    try:
        document = read(path)
        validate(document, schema)
    except DocumentError as error:
        mend = f"Correct the {schema}; CONTRIBUTING.md describes the fields"
        yield PolicyError(error.found, where=error.where, required=error.required or required, mend=mend)
    else:
        yield from check(document)


def _value(path: Path) -> object:
    try:
        return read(path).value
    except DocumentError as error:
        raise PolicyError(error.found, where=error.where, required=error.required, mend=error.mend) from error


def _codes(path: Path) -> Codes:
    return codes_of(json.loads(run_opa(["parse", "--format", "json", str(path)], Path())))


def _texts(card: Document, codes: Codes) -> _Problems:
    for language, texts in card.value["texts"].items():
        place = ("texts", language, "violations")
        for code in sorted(codes.certain - texts["violations"].keys()):
            yield PolicyError(
                f"{'.'.join(place)}: the code {code!r} has no text",
                where=card.where(place),
                required="a text for every code of the control",
                mend=f"Add {code} with what is wrong",
            )
        unused = sorted(texts["violations"].keys() - codes.possible) if codes.complete else []
        for code in unused:
            yield PolicyError(
                f"{'.'.join(place)}: the control never reports {code!r}",
                where=card.where((*place, code)),
                required="texts for codes of the control only",
                mend="Remove the text, or correct the code",
            )
