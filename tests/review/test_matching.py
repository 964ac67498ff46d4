# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from qaqpa.review.matching import Name, Pair, matched

A: Name = ("default", "a")
B: Name = ("default", "b")


def test_the_same_path_is_the_same_directory_whatever_it_is_about() -> None:
    assert matched({"x": B, "y": None}, {"x": A, "y": A}) == [Pair("x", "x"), Pair("y", "y")]


def test_a_directory_that_moved_is_found_by_its_model() -> None:
    [pair] = matched({"new": A}, {"old": A})
    assert pair == Pair("new", "old")
    assert pair.moved


def test_where_that_is_in_doubt_the_old_one_is_gone_and_the_new_one_new() -> None:
    assert matched({"n": None}, {"o": None}) == [Pair("n", ""), Pair("", "o")]
    assert matched({"n": A}, {"o": A, "p": A}) == [Pair("n", ""), Pair("", "o"), Pair("", "p")]
    assert matched({"n": A, "m": A}, {"o": A}) == [Pair("m", "", twice=True), Pair("n", "", twice=True), Pair("", "o")]
    assert matched({"n": ("other", "a")}, {"o": A}) == [Pair("n", ""), Pair("", "o")]


def test_one_more_directory_about_a_model_is_told() -> None:
    assert matched({"x": A, "y": A}, {"x": A}) == [Pair("x", "x"), Pair("y", "", twice=True)]
    assert matched({"x": B, "y": A}, {"x": A, "y": B}) == [Pair("x", "x", twice=True), Pair("y", "y", twice=True)]
    assert matched({"y": A}, {"x": A, "y": B}) == [Pair("", "x"), Pair("y", "y", twice=True)]
    assert matched({"x": B, "y": A}, {"x": A}) == [Pair("x", "x"), Pair("y", "", twice=True)]
    assert matched({"x": None, "y": A}, {"x": A}) == [Pair("x", "x"), Pair("y", "", twice=True)]
    assert matched({"x": A, "y": A}, {"x": A, "y": B}) == [Pair("x", "x"), Pair("y", "y", twice=True)]
    assert matched({"x": A, "y": A}, {"x": A, "y": A}) == [Pair("x", "x"), Pair("y", "y")]
    assert matched({"x": A, "y": A}, {}) == [Pair("x", "", twice=True), Pair("y", "", twice=True)]
