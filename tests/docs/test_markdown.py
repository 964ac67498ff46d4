# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from qaqpa.docs.markdown import GENERATED, addressed, page, sections
from qaqpa.report.section import Line, Section


def test_a_single_text_is_a_paragraph_and_all_else_a_list() -> None:
    parts = [
        Section("k", "One", (Line("text"),)),
        Section("k", "Two", (Line("text", "name", ("below", "")), Line("", "alone"), Line("more"))),
    ]
    assert sections(parts, 3) == ("### One\n\ntext\n\n### Two\n\n- `name`: text\n  - below\n- `alone`\n- more\n")


def test_a_page_says_that_it_is_generated_and_leaves_out_empty_blocks() -> None:
    assert page("# A\n", "", "text\n\n") == f"{GENERATED}\n\n# A\n\ntext\n"


def test_only_what_is_nothing_but_an_address_is_a_link() -> None:
    assert addressed("https://eur-lex.europa.eu/eli/reg/2024/1689/oj?a=b&c=d") == (
        "<https://eur-lex.europa.eu/eli/reg/2024/1689/oj?a=b&c=d>"
    )
    for text in (
        "see https://a.example",
        "https://a.example/x> <script>",
        "javascript:alert(1)",
        "https://u@a.example",
    ):
        assert not addressed(text).startswith("<")
