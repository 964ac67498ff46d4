# SPDX-License-Identifier: Apache-2.0
"""Which commits a pull request is compared with, and judged by."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.review.git import Repository

_PLACES = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
_SUFFIX = re.compile("[~^@:]")
_REFUSED = re.compile(r"[\x00-\x20\x7f]|\.\.")
_LONGEST = 1000
_HEAD = "HEAD"
_SHALLOW = "The history here is cut off: with actions/checkout say `fetch-depth: 0`, elsewhere `git fetch --unshallow`"


@dataclass(frozen=True)
class Base:
    """The base of a pull request.

    Attributes:
        ref: as it was named.
        tip: the commit that it names now; configuration, parties and policies are taken from there.
        fork: the merge base with `HEAD`, which the files are compared with: what the base gained meanwhile is not what
            the pull request took away.

    Both are the tree without any file where there is no commit yet.
    """

    ref: str
    tip: str
    fork: str


def find_base(repository: Repository, ref: str) -> Base:
    """The commits that a ref stands for. Where `HEAD` has no commit yet, it stands for nothing, so everything is new.

    Raises:
        UsageError: it is not a ref, means more than one thing, does not exist here, or has no history in common.
    """
    if not ref or len(ref) > _LONGEST or ref.startswith("-") or _REFUSED.search(ref):
        required = "a branch, tag or commit, such as origin/main"
        raise UsageError(f"{visible(ref)!r} is no ref", where="--base", required=required)
    _check_one_meaning(repository, ref)
    tip = repository.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    shallow = repository.text("rev-parse", "--is-shallow-repository") != "false"
    if not tip and ref == _HEAD and repository.text("symbolic-ref", "--quiet", _HEAD):
        nothing = _nothing(repository)
        return Base(ref, nothing, nothing)
    if not tip:
        mend = _SHALLOW if shallow else "Fetch it: `git fetch origin main` makes origin/main known"
        raise UsageError(f"There is no commit {visible(ref)!r} here", where="--base", mend=mend)
    if repository.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
        raise UsageError("There is no commit yet", where=visible(repository.top), mend="Commit once, then compare")
    fork = repository.text("merge-base", "HEAD", tip)
    if not fork:
        found = f"HEAD and {visible(ref)!r} have no commit in common"
        raise UsageError(found, where="--base", mend=_SHALLOW if shallow else "Name the branch that it goes into")
    return Base(ref, tip, fork.split()[0])


def _nothing(repository: Repository) -> str:
    """The tree without any file, which git knows without storing it."""
    found = repository.text("hash-object", "-t", "tree", os.devnull)
    if not found:
        raise UndecidedError("git cannot say what nothing is", where=visible(repository.top))
    return found


def _check_one_meaning(repository: Repository, ref: str) -> None:
    """Git would take a tag before a branch, and whoever may push a tag could name it as the branch is named."""
    name = _SUFFIX.split(ref, maxsplit=1)[0]
    places = [place.format(name) for place in _PLACES]
    there = repository.text("for-each-ref", "--format=%(refname)", "--", *places) if name else ""
    found = sorted(set(places) & set((there or "").split("\n")))
    if len(found) > 1:
        raise UsageError(
            f"{visible(ref)!r} means more than one thing: {', '.join(map(visible, found))}",
            where="--base",
            required="a whole name, such as refs/remotes/origin/main",
        )
