# SPDX-License-Identifier: Apache-2.0
"""The guide's table of roles is what `qaqpa parties init` proposes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from qaqpa import times
from qaqpa.cli.parties_template import Entry, text_of
from qaqpa.evidence.kinds import kinds

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "people.md").read_text("utf-8")
EVERYBODY = "independent"
MEANS = {
    EVERYBODY: {"trainer", "owner", "deployer"},
    "neither trainer nor owner": {"trainer", "owner"},
    "not the trainer": {"trainer"},
}


def _table() -> dict[tuple[str, str], str]:
    """By role and kind of evidence, what stands in brackets behind the kind."""
    section = GUIDE.split("## Who signs what")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = line.strip("|").split("|")
        if line.startswith("| `"):
            for kind, aside in re.findall(r"`(\w+)`(?: \(([^)]*)\))?", cells[2]):
                for role in re.findall(r"`(\w+)`", cells[0]):
                    found[role, kind] = aside
    return found


def _proposed() -> dict[tuple[str, str], tuple[set[str], int]]:
    """By role and kind, of whom a signer must be independent, and how many have to sign."""
    words = {role for role, _ in _table()}
    persons = [Entry(id=f"{role}-{number}", unit="x", roles=[role]) for role in sorted(words) for number in (1, 2)]
    rules = yaml.safe_load(text_of([], persons, times.now(), times.now()))["rules"]
    return {
        (role, kind): (set(rule.get("independent_of", [])), rule.get("threshold", 1))
        for kind, rule in rules.items()
        for role in rule["roles"]
    }


def test_each_role_signs_what_the_guide_says_and_nothing_else() -> None:
    assert _table().keys() == _proposed().keys()
    assert {kind for _, kind in _table()} == kinds().keys() - {"withdrawal"}


def test_what_is_said_of_independence_and_of_two_persons_is_what_is_proposed() -> None:
    for pair, aside in _table().items():
        independent_of, threshold = _proposed()[pair]
        said = next((whom for words, whom in MEANS.items() if words in aside), set())
        assert said == independent_of, pair
        assert ("two persons" in aside) == (threshold == 2), pair
