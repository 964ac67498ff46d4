# SPDX-License-Identifier: Apache-2.0
"""Texts in Markdown stay texts, for us and for GitHub's own parser."""

from __future__ import annotations

import pytest

from qaqpa.report.markdown_text import code, escape, table


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain words", "plain words"),
        ("a | b", "a \\| b"),
        ("<script>", "\\<script\\>"),
        ("`x`", "\\`x\\`"),
        ("[a](http://b)", "\\[a\\](http:\u200b//b)"),
        ("![x](y)", "!\\[x\\](y)"),
        ("*a* _b_ ~c~ $d$ &lt;", "\\*a\\* \\_b\\_ \\~c\\~ \\$d\\$ \\&lt;"),
        ("back\\slash", "back\\\\slash"),
        ("two\nlines\n\n# no heading", "two lines # no heading"),
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("+ no list", "\\+ no list"),
        ("1. no list", "1\\. no list"),
        ("12) no list", "12\\) no list"),
        ("2026 is a year", "2026 is a year"),
        ("=== no heading", "\\=== no heading"),
        ("\x1b[31m\u202e", "\\\\u001b\\[31m\\\\u202e"),
        ("", ""),
    ],
)
def test_a_text_stays_a_text(text: str, markdown: str) -> None:
    assert escape(text) == markdown


@pytest.mark.parametrize(
    ("name", "markdown"), [("art-2", "`art-2`"), ("a_b, c.d", "`a_b, c.d`"), ("a`b", "a\\`b"), ("a|b", "a\\|b")]
)
def test_only_a_plain_name_is_code(name: str, markdown: str) -> None:
    assert code(name) == markdown


def test_a_table_without_rows_is_nothing() -> None:
    assert table(["a", "b"], []) == ""
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
