# SPDX-License-Identifier: Apache-2.0
"""What the generated documentation says, of a small catalog."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qaqpa.docs import render_docs, write_docs
from qaqpa.docs.examples import Example, examples_of
from qaqpa.docs.markdown import GENERATED
from qaqpa.documents import DocumentError
from qaqpa.report.forms import day
from support.catalogs import small_catalog

EXAMPLES = {"AAA-01": [Example("loans/failing", "fail"), Example("loans/mended", "warn")]}
DOCS = render_docs(small_catalog(), EXAMPLES)


def rows(text: str, start: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_there_is_a_page_for_each_control_an_index_and_the_matrices_in_each_language() -> None:
    assert sorted(DOCS) == [
        "controls/AAA-01.md",
        "controls/BBB-01.md",
        "controls/README.md",
        "coverage.kk.md",
        "coverage.md",
        "coverage.ru.md",
        "guides/write-paths.md",
        "profiles.kk.md",
        "profiles.md",
        "profiles.ru.md",
    ]
    assert all(text.startswith(f"{GENERATED}\n\n# ") and text.endswith("\n") for text in DOCS.values())


def test_the_page_of_a_control_has_three_languages_english_first() -> None:
    text = DOCS["controls/AAA-01.md"]
    assert text.splitlines()[2:5] == [
        "# AAA-01 title in en",
        "",
        "[English](#en) · [Қазақша](#kk) · [Русский](#ru)",
    ]
    positions = [text.index(f'<a id="{language}"></a>') for language in ("en", "kk", "ru")]
    assert positions == sorted(positions)
    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert len(titles) == len(set(titles)) == 39
    assert "### Thresholds\n\n- `days`: 365; set by law; lower is stricter\n" in text
    assert f"  - state: statutory; denies from {day('2027-12-02')}; where" in text


def test_the_page_of_a_control_names_the_examples_in_which_it_fails_or_warns() -> None:
    text = DOCS["controls/AAA-01.md"]
    assert "### Examples\n\n- [loans/failing](../../examples/loans/failing): fails\n- [loans/mended]" in text
    assert "[loans/failing](../../examples/loans/failing): не пройдено\n" in text
    assert "In no example does it fail or warn." in DOCS["controls/BBB-01.md"]


def test_hostile_texts_stay_texts() -> None:
    everything = "".join(DOCS.values())
    assert "\x1b" not in everything
    assert "<b>" not in everything
    assert DOCS["controls/BBB-01.md"].splitlines()[2] == "# BBB-01 \\\\u001b\\[31m\\<b\\>\\|\\`x\\`"
    [row] = rows(DOCS["controls/README.md"], "| [BBB-01]")
    assert len(row) == 5


def test_the_index_lists_controls_by_family_with_the_profiles_that_ask() -> None:
    text = DOCS["controls/README.md"]
    assert "## Transparency and explainability · Ашықтық және түсіндірмелілік · Прозрачность и объяснимость" in text
    assert rows(text, "| [AAA-01]") == [
        ["[AAA-01](AAA-01.md)", "title in en", "title in kk", "title in ru", "base, soft, state"]
    ]


def test_each_item_says_what_is_checked_how_strongly_and_what_cannot_be() -> None:
    text = DOCS["coverage.md"]
    assert rows(text, "| 1 | item")[0] == [
        "1",
        "item in row en",
        "principle",
        "36",
        "[AAA-01](controls/AAA-01.md): direct<br>ZZZ-99",
        "checked in row en",
        "unchecked in row en",
    ]
    second = rows(text, "| 2 | ")[0]
    assert second[2:5] == ["brand\\_new", "37", ""]
    assert rows(DOCS["coverage.ru.md"], "| 1 | item")[0][2] == "принцип"


def test_each_source_says_how_it_was_verified() -> None:
    one, other = (row for row in rows(DOCS["coverage.md"], "| ") if row[1].startswith("source in"))
    assert one == [
        "1",
        "source in source en ([act-a](#act-a))",
        "status in source en",
        "use in source en",
        "read second-hand only",
        "[AAA-01](controls/AAA-01.md)",
    ]
    assert other[4:] == ["not found", ""]


def test_each_provision_of_each_act_says_who_checks_what_of_it() -> None:
    text = DOCS["coverage.md"]
    assert "### short in act en (`act-a`)" in text
    second, third, tenth = (rows(text, f"| locator in {name} en")[0] for name in ("second", "third", "tenth"))
    assert second == [
        "locator in second en `art-2`",
        "title in second en",
        "[AAA-01](controls/AAA-01.md): statutory",
        "read at its source",
    ]
    assert third[2] == "no control rests on it"
    assert tenth[2].endswith(": statutory; for: dated; where the context says public\\_sector: true")
    assert rows(text, "| [BBB-01]") == [["[BBB-01](controls/BBB-01.md)", "cannot\\_prove in en"]]


def test_nothing_is_rated() -> None:
    assert not [name for name, text in DOCS.items() if name.startswith("coverage") and "%" in text]


def test_profiles_link_to_their_other_languages() -> None:
    assert "[English](profiles.md) · [Қазақша](profiles.kk.md) · [Русский](profiles.ru.md)" in DOCS["profiles.ru.md"]
    assert '<a id="state"></a>\n\n## `state`: title in state' in DOCS["profiles.kk.md"]


def test_it_is_the_same_each_time() -> None:
    assert render_docs(small_catalog(), EXAMPLES) == DOCS


def test_stale_generated_pages_go_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "controls"
    folder.mkdir()
    (folder / "OLD-01.md").write_text(f"{GENERATED}\n\n# Old\n", encoding="utf-8")
    (folder / "notes.md").write_text("# Ours\n", encoding="utf-8")
    assert write_docs(tmp_path, small_catalog(), EXAMPLES) == sorted(DOCS)
    assert not (folder / "OLD-01.md").exists()
    assert (folder / "notes.md").exists()
    assert {name: (tmp_path / name).read_text("utf-8") for name in DOCS} == DOCS


def test_examples_are_read_with_those_first_that_fail(tmp_path: Path) -> None:
    for place, status in (("a/one", "warn"), ("b/two", "fail"), ("c/three", "pass")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "expected.json").write_text(json.dumps({"controls": {"AAA-01": status}}), encoding="utf-8")
    assert examples_of(tmp_path) == {"AAA-01": [Example("b/two", "fail"), Example("a/one", "warn")]}
    cases = {"cases": [{"controls": {"AAA-01": status}} for status in ("warn", "fail", "warn", "pass")]}
    (tmp_path / "c/three/expected.json").write_text(json.dumps(cases), encoding="utf-8")
    assert examples_of(tmp_path)["AAA-01"][:2] == [Example("b/two", "fail"), Example("c/three", "fail")]
    (tmp_path / "a/one/expected.json").write_text("{", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"a/one/expected\.json"):
        examples_of(tmp_path)
