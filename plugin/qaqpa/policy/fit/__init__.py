# SPDX-License-Identifier: Apache-2.0
"""Checks that controls, cards, profiles, acts, texts and tests fit together, before anything is compiled.

A card that names no evidence, a code without a text or a profile with a misspelt control would otherwise be noticed
at the first promotion.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from qaqpa.documents import Document
from qaqpa.policy.fit.act import act_problems
from qaqpa.policy.fit.card import card_problems
from qaqpa.policy.fit.filled import filled_problems
from qaqpa.policy.fit.parts import Parts, Problems, checked
from qaqpa.policy.fit.profile import profile_problems
from qaqpa.policy.fit.rule import rule_problems
from qaqpa.policy.opa import PolicyError

__all__ = ["check_cards"]

_MAX_SHOWN = 10
# By folder: the schema of its files, what they hold, and what more is checked.
_FILES: dict[str, tuple[str, str, Callable[[Document, Parts], Problems]]] = {
    "catalog": (
        "card",
        "family, evidence, actors, waivable, thresholds, provisions and texts, and where they are wanted "
        "minimum_strength and defaults, each as schemas/card.json says",
        card_problems,
    ),
    "law": (
        "law",
        "kind, jurisdiction, url, texts and provisions, each as schemas/law.json says",
        act_problems,
    ),
    "profiles": (
        "profile",
        "statutory, acts, controls and texts, each as schemas/profile.json says",
        profile_problems,
    ),
}


def check_cards(policies: Path, own: Path | None = None) -> None:
    """Checks cards, profiles and acts of a policy directory, and that every control has a card, texts and a test.

    Args:
        policies: the whole policies; with `own`, the shipped ones with those of a user.
        own: the user's directory, to check their files only, and to name them where the user keeps them.

    Raises:
        PolicyError: naming file, line and column of everything that does not fit, at most ten.
    """
    problems = list(_problems(Parts(policies, own or policies)))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        more = [f"and {len(problems) - _MAX_SHOWN} more"] if len(problems) > _MAX_SHOWN else []
        raise PolicyError("\n".join([*(str(problem) for problem in problems[:_MAX_SHOWN]), *more]))


def _problems(parts: Parts) -> Problems:
    for control, path in parts.rules.items():
        yield from rule_problems(control, path, parts)
    for folder, (schema, required, problems) in _FILES.items():
        for path in parts.own_files(folder):
            yield from checked(path, schema, required, _all(problems, parts))


def _all(problems: Callable[[Document, Parts], Problems], parts: Parts) -> Callable[[Document], Problems]:
    return lambda document: chain(problems(document, parts), filled_problems(document))
