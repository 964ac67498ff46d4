# SPDX-License-Identifier: Apache-2.0
"""Texts in Markdown stay texts, for us and for GitHub's own parser."""

from __future__ import annotations

from html import unescape

import cmarkgfm
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


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "see http://evil.example/x?y=z.",
        "www.evil.example",
        "mailto:a@evil.example",
        "a@evil.example",
        "xmpp:a@evil.example/x",
        "<https://evil.example>",
        "[a](https://evil.example)",
        "![a](https://evil.example)",
        "[a]: https://evil.example",
        "_www.evil.example/x",
        "x_www.evil.example/x",
        "a@-b.com",
        "a.b+c@-d-.example.com",
        "_@_b.com",
    ],
)
def test_githubs_own_parser_makes_no_link_of_it(text: str) -> None:
    page = cmarkgfm.markdown_to_html_with_extensions(escape(text), 0, ["autolink", "table"])
    assert "<a" not in page
    assert "<img" not in page
    plain = page.replace("\u200b", "").strip().removeprefix("<p>").removesuffix("</p>")
    assert unescape(plain) == text, "what people read is what was written"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("@octocat", "@\u200boctocat"),
        ("a @ b", "a @\u200b b"),
        ("org/repo#12", "org/repo#\u200b12"),
        ("# 12", "\\# 12"),
        ("GH-12", "GH\u200b-12"),
        (":tada:", ":\u200btada:"),
        ("at 12:30:15", "at 12:\u200b30:15"),
        ("deadbeef01", "deadbe\u200bef01"),
        ("facade 1234567", "facade 1234567"),
        ("ab" * 32, "ab" * 32),
    ],
)
def test_what_github_links_in_finished_text_falls_apart(text: str, broken: str) -> None:
    assert escape(text) == broken


def test_a_very_long_text_is_escaped_in_no_time() -> None:
    for text in ("x" * 200_000, "a:" * 100_000, "0a" * 100_000, "@" * 200_000, "`" * 200_000):
        assert len(escape(text)) >= len(text)
