# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from qaqpa.docs.markdown import GENERATED, code, escape, page, sections, table
from qaqpa.report.section import Line, Section


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain words", "plain words"),
        ("a | b", "a \\| b"),
        ("<script>", "\\<script\\>"),
        ("`x`", "\\`x\\`"),
        ("[a](http://b)", "\\[a\\](http://b)"),
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


def test_a_single_text_is_a_paragraph_and_all_else_a_list() -> None:
    parts = [
        Section("k", "One", (Line("text"),)),
        Section("k", "Two", (Line("text", "name", ("below", "")), Line("", "alone"), Line("more"))),
    ]
    assert sections(parts, 3) == ("### One\n\ntext\n\n### Two\n\n- `name`: text\n  - below\n- `alone`\n- more\n")


def test_a_page_says_that_it_is_generated_and_leaves_out_empty_blocks() -> None:
    assert page("# A\n", "", "text\n\n") == f"{GENERATED}\n\n# A\n\ntext\n"
