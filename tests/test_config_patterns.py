# SPDX-License-Identifier: Apache-2.0
"""Patterns of files, and the part `review` of a configuration."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qaqpa.config.patterns import fits, may_hold, objection
from qaqpa.documents import DocumentError
from support.configurations import load


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("train.py", "train.py", True),
        ("train.py", "Train.py", False),
        ("train.py", "src/train.py", False),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**", "src/a", True),
        ("src/**", "src/deep/er/a", True),
        ("src/**", "src", False),
        ("src/**", "srcs/a", False),
        ("**/a.py", "a.py", True),
        ("**/a.py", "x/y/a.py", True),
        ("src/**/a.py", "src/a.py", True),
        ("src/**/x/**/a.py", "src/1/x/2/3/a.py", True),
        ("src/**/x/**/a.py", "src/1/2/3/a.py", False),
        ("**", "a/b", True),
        ("**/**", "a", True),
        ("a?c", "abc", False),
        ("a[b]c", "a[b]c", True),
        ("a[b]c", "abc", False),
        ("*", "a/b", False),
        ("*", "two\nlines", True),
    ],
)
def test_a_pattern_is_about_a_file(pattern: str, path: str, *, expected: bool) -> None:
    assert fits(path, [pattern]) is expected
    assert fits(path, ["nothing", pattern]) is expected
    assert not fits(path, [])


def test_hostile_names_take_no_long_time() -> None:
    started = time.monotonic()
    assert not fits("/".join(["a" * 50] * 1000), ["**/a*a*a*b/**/a*a*b/**/x", *["**/**/*a*a*a*/**/y"] * 20])
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("path", ["/abs", "../up", "a/../b", "a//b", "./a", "a/", "a\\b", "a**", "**b/c", "", "a\nb"])
def test_what_is_no_path_below_the_top_is_refused(path: str) -> None:
    assert objection(path)


@pytest.mark.parametrize("path", ["a", "src/**", "**/a.py", "gov ernance/кредит", ".github/x"])
def test_ordinary_paths_are_taken(path: str) -> None:
    assert objection(path) == ""


def test_the_code_of_a_model_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, "version: 1\nreview:\n  code:\n    governance/credit: [src/**, train.py]\n    .: ['**']\n")
    assert config.code == {"governance/credit": ("src/**", "train.py"), ".": ("**",)}
    assert load(tmp_path, "version: 1\n").code == {}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("review: {code: {../up: [a]}}", ":2:"),
        ("review:\n  code:\n    credit:\n    - src/**\n    - ../up\n", ":6:7"),
        ("review: {code: {credit: []}}", "review.code.credit"),
        ("review: {cod: {}}", "review"),
        ("review: {code: {credit: [/abs]}}", "it begins with /"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, f"version: 1\n{text}")
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src/credit/**", "src", True),
        ("src/credit/**", "src/credit", True),
        ("src/credit/**", "src/credit/a", True),
        ("src/credit/**", "src/lib", False),
        ("lib/credit_*.py", "lib/sub", False),
        ("lib/credit_*.py", "lib/credit_a.py", True),
        ("train.py", "train.py", True),
        ("train.py", "train.py/below", False),
        ("**/a.py", "anywhere/at/all", True),
    ],
)
def test_what_may_lie_below_a_path(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001
    assert may_hold(path, [pattern]) is expected
