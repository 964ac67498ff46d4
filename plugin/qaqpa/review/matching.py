# SPDX-License-Identifier: Apache-2.0
"""Which directory of the base each directory of the work tree is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Name = tuple[str, str]
"""A registered model: its workspace and its name."""


@dataclass(frozen=True)
class Pair:
    """A directory now and at the base, both from the top of the tree; `now` or `before` is empty where there is none.

    `twice` is true where another directory is about the same registered model, and at the base fewer were. It is true
    too where another one was about it at the base, and is about something else now, or is gone: else a model could
    be compared with the state of a milder one.
    """

    now: str
    before: str
    twice: bool = False

    @property
    def moved(self) -> bool:
        """True where the directory has another path than at the base."""
        return bool(self.now and self.before and self.now != self.before)


def matched(now: Mapping[str, Name | None], before: Mapping[str, Name | None]) -> list[Pair]:
    """Pairs of directories, sorted: by their path, else by the registered model where that leaves no doubt.

    Args:
        now: the directories of the work tree, with the registered model that the context of each names, or None.
        before: the same of the base.
    """
    gone, come = _by_name(before, set(before) - set(now)), _by_name(now, set(now) - set(before))
    moves = {come[name][0]: gone[name][0] for name in come if len(come[name]) == 1 == len(gone.get(name, ()))}
    many, few = (Counter(name for name in one.values() if name) for one in (now, before))
    pairs = []
    for folder, name in now.items():
        at_base = folder if folder in before else moves.get(folder, "")
        held = bool(at_base) and before[at_base] == name
        twice = (
            name is not None and not held and (many[name] > max(1, few[name]) or _is_taken(name, folder, now, before))
        )
        pairs.append(Pair(folder, at_base, twice))
    gone_for_good = set(before) - set(now) - set(moves.values())
    return sorted([*pairs, *(Pair("", folder) for folder in gone_for_good)], key=lambda pair: pair.now or pair.before)


def _is_taken(name: Name, folder: str, now: Mapping[str, Name | None], before: Mapping[str, Name | None]) -> bool:
    """True where a directory has the name that another one had at the base, which is about something else now.

    Where the other one is gone, a new directory may be the same one moved, and one that was there before is not.
    """
    others = [other for other, its in before.items() if its == name and other != folder]
    return any(now[other] != name if other in now else folder in before for other in others)


def _by_name(names: Mapping[str, Name | None], folders: Iterable[str]) -> dict[Name, list[str]]:
    found: dict[Name, list[str]] = {}
    for folder in sorted(folders):
        name = names[folder]
        if name:
            found.setdefault(name, []).append(folder)
    return found
