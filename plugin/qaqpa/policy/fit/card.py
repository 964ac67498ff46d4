# SPDX-License-Identifier: Apache-2.0
"""Whether a card fits its control, its evidence, the law it names, and whether its texts say the same everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from qaqpa.documents import Document
from qaqpa.evidence.kinds import NO_EVIDENCE, kinds
from qaqpa.model import JsonObject
from qaqpa.policy.codes import Codes, codes_of
from qaqpa.policy.fit.parts import Parts, Problems, unknown
from qaqpa.policy.opa import PolicyError, run_opa

_TEXTS = Path(__file__).parents[2] / "report" / "texts" / "en.json"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def card_problems(card: Document, parts: Parts) -> Problems:
    """What does not fit on a card whose form is right."""
    control = Path(card.name).parent.name
    if control not in parts.controls:
        yield PolicyError(
            f"The card {control} has no control",
            where=card.where(),
            required=f"controls/<family>/{control.lower().replace('-', '_')}.rego",
            mend="Write the control, or correct the name of the card's folder",
        )
    yield from _name_problems(card)
    for name, threshold in card.value["thresholds"].items():
        basis = threshold["basis"]
        for profile in basis if isinstance(basis, dict) else ():
            if profile not in parts.profiles:
                where = card.where(("thresholds", name, "basis", profile))
                yield unknown("thresholds: there is no profile", profile, where, list(parts.profiles), "Correct it")
    for number, link in enumerate(card.value["provisions"]):
        yield from _link_problems(card, number, link, parts)
    for field in ("defaults", "per_profile", "expires"):
        yield from _code_problems(card, (field,), card.value.get(field, ()))
    if control in parts.rules:
        yield from _text_problems(card, _codes(parts.rules[control]))
    yield from _translation_problems(card)


@lru_cache(maxsize=1)
def _actors() -> list[str]:
    names = (name.split(".", 1) for name in json.loads(_TEXTS.read_bytes()))
    return sorted(rest[0] for group, *rest in names if group == "actor")


def _name_problems(card: Document) -> Problems:
    known = {"evidence": sorted(set(kinds()) - NO_EVIDENCE), "actors": _actors()}
    for field, names in known.items():
        for number, name in enumerate(card.value[field]):
            if name not in names:
                yield PolicyError(
                    f"{field}: {name!r} is not known",
                    where=card.where((field, number)),
                    required=f"one of {', '.join(names)}",
                    mend="Correct the name",
                )


def _link_problems(card: Document, number: int, link: JsonObject, parts: Parts) -> Problems:
    place = ("provisions", number)
    provisions = parts.acts.get(link["act"], {}).get("provisions")
    if link["act"] not in parts.acts:
        yield unknown(
            "provisions: there is no act",
            link["act"],
            card.where(place),
            sorted(parts.acts),
            f"Correct the name, or add it to law/{link['act']}/data.yaml",
        )
    elif not isinstance(provisions, dict) or link["provision"] not in provisions:
        yield unknown(
            f"provisions: {link['act']!r} has no provision",
            link["provision"],
            card.where(place),
            sorted(provisions or ()),
            f"Correct the name, or add it to law/{link['act']}/data.yaml",
        )
    yield from _code_problems(card, (*place, "codes"), link.get("codes", ()))
    for profile in link.get("profiles", ()):
        if profile not in parts.profiles:
            where = card.where((*place, "profiles"))
            yield unknown("provisions: there is no profile", profile, where, list(parts.profiles), "Correct the name")
    for field in link.get("when", {}):
        if field not in parts.context_fields:
            where = card.where((*place, "when", field))
            yield unknown("provisions: the context has no field", field, where, parts.context_fields, "Correct it")


def _code_problems(card: Document, place: tuple[str | int, ...], codes: Iterable[str]) -> Problems:
    known = card.value["texts"]["en"]["violations"]
    for number, code in enumerate(codes):
        if code not in known:
            where = card.where((*place, number))
            yield unknown(f"{place[0]}: the card has no code", code, where, sorted(known), "Correct the code")


def _codes(path: Path) -> Codes:
    return codes_of(json.loads(run_opa(["parse", "--format", "json", str(path)], Path())))


def _text_problems(card: Document, codes: Codes) -> Problems:
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


def _translation_problems(card: Document) -> Problems:
    """Every language has the same texts with the same placeholders as English."""
    english = card.value["texts"]["en"]
    for language, texts in card.value["texts"].items():
        place = ("texts", language)
        if len(texts.get("decided", ())) != len(english.get("decided", ())):
            yield PolicyError(
                f"{'.'.join(place)}: `decided` has {len(texts.get('decided', ()))} entries",
                where=card.where(place),
                required=f"{len(english.get('decided', ()))} as in English",
                mend="Translate all of them",
            )
        for code, text in english["violations"].items():
            own = texts["violations"].get(code, text)
            if sorted(set(_PLACEHOLDER.findall(own))) != sorted(set(_PLACEHOLDER.findall(text))):
                yield PolicyError(
                    f"{'.'.join(place)}.violations.{code}: other placeholders than in English",
                    where=card.where((*place, "violations", code)),
                    required=", ".join(sorted(set(_PLACEHOLDER.findall(text)))) or "no placeholder",
                    mend="Use each placeholder of the English text, and no other",
                )
