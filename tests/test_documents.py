# SPDX-License-Identifier: Apache-2.0
"""Reading YAML and JSON strictly, with the place of every error."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa.documents import MAX_BYTES, MAX_DEPTH, DocumentError, parse_json, parse_yaml, read, validate

CONTEXT = "kind: system\nsystem_id: '00000000000000000000000000000000'\nversion: 1\nmodels:\n  - name: credit\n"
AUDIT = "kind: audit\nconclusion: positive\nissued_on: 2026-01-31\nvalid_until: 2026-02-01\n"


def refusal(text: str, name: str = "f.yaml") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        (parse_json if name.endswith(".json") else parse_yaml)(text, name)
    return caught.value


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1", "'a' stands twice"),
        ('1: x\n"1": y\n', "2:1", "'1' stands twice"),
        ("a: {b: 1, b: 2}\n", "1:11", "'b' stands twice"),
        ("a: &x 1\nb: 2\n", "1:4", "Anchors"),
        ("a: 1\nb: *x\n", "2:4", "Anchors"),
        ("a: &x [1]\n", "1:4", "Anchors"),
        ("a: !!python/object:os.system x\n", "1:4", "Tags"),
        ("a: !!str 1\n", "1:4", "Tags"),
        ("a: ! 1\n", "1:4", "Tags"),
        ("!x {a: 1}\n", "1:1", "Tags"),
        ("a: 1\n---\nb: 2\n", "2:1", "more than one document"),
        ("? [a]\n: 1\n", "1:3", "A key must be"),
        ("? {a: 1}\n: 1\n", "1:3", "A key must be"),
        ("a:\n\tb: 1\n", "2:1", "not YAML"),
        ("a: [1,\n", "2:1", "not YAML"),
        ("a: b: c\n", "1:5", "not YAML"),
        ("a: 1\nb: \x00\n", "2:4", "not YAML"),
        ("a: 1\nb: 1e999\n", "2:4", "not finite"),
        ("a: 1\nb: [0, 9007199254740992]\n", "2:8", "too large"),
        ('a: 1\nb:\n  c: "x\\ud800"\n', "3:6", "half a character"),
        ('a: 1\n"\\udfff": 1\n', "2:11", "half a character"),
        (f"a: 1\nb: {'9' * 5000}\n", "2:4", "cannot be read"),
        ('a: 1\nb: "\\UFFFFFFFF"\n', "2:7", "cannot be read"),
        ("a: 1\nb: " + "[" * 60, "2:43", "levels deep"),
        ("", "1:1", "empty"),
        ("# nothing\n", "1:1", "empty"),
    ],
)
def test_yaml_is_refused_with_line_and_column(text: str, where: str, found: str) -> None:
    error = refusal(text)
    assert (error.where, found in str(error)) == (f"f.yaml:{where}", True), str(error)
    assert "\n" not in error.found


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ('{"a": 1,\n "a": 2}', "2:2", "'a' stands twice"),
        ('{"a": {"b": 1, "b": 1}}', "1:16", "'b' stands twice"),
        ('{"a": NaN}', "", "NaN"),
        ('{"a": -Infinity}', "", "-Infinity"),
        ('{"a":\n 1e999}', "2:2", "not finite"),
        ('{"a":\n\t[9007199254740992]}', "2:3", "too large"),
        ('{"a":\n "\\ud800"}', "2:2", "half a character"),
        ('{"a": 1,\n}', "", "not JSON"),
        ("", "1:1", "not JSON"),
        ("\ufeff{}", "1:1", "not JSON"),
        ('{"a": "\t"}', "1:8", "not JSON"),
        ("[1] [2]", "1:5", "not JSON"),
        ("[" * 100_000, "", "refused"),
        (f"[{'9' * 5000}]", "", "refused"),
        ("[" * 41 + "]" * 41, "", "too deeply"),
    ],
)
def test_json_is_refused_with_its_place_where_the_parser_knows_it(text: str, where: str, found: str) -> None:
    error = refusal(text, "f.json")
    assert found in str(error), str(error)
    assert error.where.startswith(f"f.json:{where}") if where else error.where.startswith("f.json"), str(error)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: yes\nb: on\nc: off", {"a": "yes", "b": "on", "c": "off"}),
        ("a: 2026-02-28", {"a": "2026-02-28"}),
        ("a: 2026-02-28T10:00:00Z", {"a": "2026-02-28T10:00:00Z"}),
        ("a: 0x1F\nb: 1_000\nc: 0o17\nd: 12:30", {"a": "0x1F", "b": "1_000", "c": "0o17", "d": "12:30"}),
        ("a: 007\nb: +1\nc: -1\nd: .5\ne: 1.\nf: 1e3", {"a": 7, "b": 1, "c": -1, "d": 0.5, "e": 1.0, "f": 1000.0}),
        ("a: .nan\nb: .inf\nc: NaN", {"a": ".nan", "b": ".inf", "c": "NaN"}),
        ("a: ~\nb:\nc: null\nd: 'null'", {"a": None, "b": None, "c": None, "d": "null"}),
        ("a: true\nb: False\nc: TRUE\nd: tRUE", {"a": True, "b": False, "c": True, "d": "tRUE"}),
        ("a: '1'\nb: \"true\"", {"a": "1", "b": "true"}),
        ("no: 1\n1: 2\nnull: 3\n<<: 4", {"no": 1, "1": 2, "null": 3, "<<": 4}),
        ("a: 1\r\nb:\r\n  - 2\r\n", {"a": 1, "b": [2]}),
        ("--- {a: [1, {b: 2}]}\n...\n", {"a": [1, {"b": 2}]}),
        ("just a text", "just a text"),
        ("a: 9007199254740991\nb: -9007199254740991", {"a": 9007199254740991, "b": -9007199254740991}),
    ],
)
def test_yaml_is_read_as_version_1_2_says(text: str, value: object) -> None:
    read_value = parse_yaml(text, "f.yaml").value
    assert read_value == value
    assert json.dumps(read_value) == json.dumps(value), "True is not 1 and 1 is not 1.0"


def test_nesting_is_read_to_the_limit_and_not_beyond() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_yaml(deepest, "f.yaml").value == parse_json(deepest, "f.json").value
    refusal(f"[{deepest}]")
    refusal(f"[{deepest}]", "f.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file") as caught:
        read(tmp_path / "none.yaml")
    assert caught.value.where == str(tmp_path / "none.yaml")
    with pytest.raises(DocumentError, match="Is a directory"):
        read(tmp_path)


def test_a_file_that_is_too_large_is_refused_and_the_largest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
    assert read(path).value == {"a": 1}
    path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 4))
    with pytest.raises(DocumentError, match="too large"):
        read(path)


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(DocumentError, match="not UTF-8") as caught:
        read(path)
    assert caught.value.where == f"{path}:2:1"


@pytest.mark.parametrize("name", ["f.yaml", "f.json"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read(tmp_path / name).value == {"a": 1}
    assert read(tmp_path / name).where(("a",)).endswith(":1:7")


@pytest.mark.parametrize(
    ("text", "schema", "where", "found"),
    [
        (CONTEXT + "domian: other\n", "system", "6:9", "'domian' was unexpected"),
        (CONTEXT.replace("version: 1\n", ""), "system", "1:1", '"version" is a required property'),
        (CONTEXT.replace("version: 1", "version: one"), "system", "3:10", "version"),
        (CONTEXT.replace("version: 1", "version: true"), "system", "3:10", "version"),
        (CONTEXT.replace("  - name: credit", "  - name: credit\n  - {}"), "system", "6:5", '"name" is a required'),
        (CONTEXT.replace("name: credit", "name: credit\n    owner: me"), "system", "6:12", "'owner' was unexpected"),
        (AUDIT.replace("2026-02-01", "2026-02-30"), "audit", "4:14", '"2026-02-30" is not a "date"'),
        (AUDIT.replace("2026-02-01", "1969-12-31"), "audit", "4:14", '"1969-12-31" is not a "date"'),
        (AUDIT.replace("2026-02-01", "0000-01-01"), "audit", "4:14", '"0000-01-01" is not a "date"'),
        (
            AUDIT.replace("2026-02-01", "2026-02-01T00:00:00Z"),
            "audit",
            "4:14",
            'is not a "date"; it is written as 2026-12-02',
        ),
        (CONTEXT + "owner:\n  name: me\n", "system", "6:1", "'owner' was unexpected"),
        (
            AUDIT.replace("positive", "good"),
            "audit",
            "2:13",
            'conclusion: "good" is not one of positive, positive_with_conditions, negative',
        ),
        (
            AUDIT + "independent_of: [rival]\n",
            "audit",
            "5:18",
            'independent_of.0: "rival" is not one of developer, operator, owner, data_supplier',
        ),
        ("- kind: audit\n", "audit", "1:1", "not of type"),
        ("audit\n", "audit", "1:1", "not of type"),
    ],
)
def test_an_error_against_a_schema_is_named_with_line_and_column(
    text: str, schema: str, where: str, found: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        validate(parse_yaml(text, "f.yaml"), f"evidence/{schema}")
    lines = caught.value.found.split("\n")
    assert len(lines) == 1
    assert lines[0].startswith(f"f.yaml:{where}: ")
    assert found in lines[0]


def test_each_unexpected_field_is_named_at_its_own_line() -> None:
    with pytest.raises(DocumentError) as caught:
        validate(parse_json('{"version": 1,\n "a":\n {"b": 1},\n "c": 2}', "f.json"), "qaqpa")
    assert caught.value.found.split("\n") == [
        "f.json:2:2: the document: Additional properties are not allowed ('a' was unexpected)",
        "f.json:4:7: the document: Additional properties are not allowed ('c' was unexpected)",
    ]


def test_where_one_of_several_fields_is_required_they_are_named() -> None:
    text = "version: 1\ngates:\n  - {stage: production, profiles: [article-baseline]}\n"
    with pytest.raises(DocumentError) as caught:
        validate(parse_yaml(text, "f.yaml"), "qaqpa")
    assert caught.value.found == "f.yaml:3:5: gates.0: at least one of aliases, mlflow_stages, names is required"


@pytest.mark.parametrize(
    ("schema", "mend"),
    [
        ("evidence/audit", "`qaqpa explain audit` describes the fields"),
        ("qaqpa", "`qaqpa init` writes a commented configuration"),
    ],
)
def test_an_error_says_where_the_fields_are_described(schema: str, mend: str) -> None:
    with pytest.raises(DocumentError) as caught:
        validate(parse_yaml("a: 1\n", "f.yaml"), schema)
    assert caught.value.mend == mend


@pytest.mark.parametrize("indent", ["  ", "\t", None])
def test_an_error_in_json_is_named_with_line_and_column(indent: str | None) -> None:
    content = {"kind": "audit", "auditor": "\U0001f600\x7f/é", "conclusion": "good"}
    text = json.dumps({**content, "issued_on": "2026-01-01", "valid_until": "2026-01-01"}, indent=indent)
    with pytest.raises(DocumentError) as caught:
        validate(parse_json(text, "f.json"), "evidence/audit")
    before = text[: text.index('"good"')]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    assert caught.value.found.startswith(f"f.json:{line}:{column}: conclusion")


def test_all_errors_are_named_up_to_ten_and_a_field_name_cannot_add_a_line() -> None:
    many = CONTEXT + "".join(f"  - name: {number}\n" for number in range(12))
    with pytest.raises(DocumentError) as caught:
        validate(parse_yaml(many, "f.yaml"), "evidence/system")
    assert caught.value.found.count("\n") == 10
    assert caught.value.found.endswith("and 2 more")
    with pytest.raises(DocumentError) as caught:
        validate(parse_yaml(CONTEXT + '"x\\nqaqpa: all is well": 1\n', "f.yaml"), "evidence/system")
    assert "\n" not in caught.value.found


JSON_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"))
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | JSON_TEXTS
    | st.sampled_from(["no", "2026-01-01", "1e3", "null", "~", "0x1", "a: b", "- a", "\\", '"', "'", "\t", "\n"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(JSON_TEXTS, children, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
@example({"a": -0.0, "b": 1e22, "c": 5e-324})
def test_a_json_value_is_the_same_to_both_readers(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert json.dumps(parse_json(text, "f.json").value) == json.dumps(value)
    assert json.dumps(parse_yaml(text, "f.yaml").value) == json.dumps(value)


SNIPPETS = (
    "a",
    ": ",
    "\n",
    "- ",
    "  ",
    "&x ",
    "*x",
    "!t ",
    "!!",
    "%",
    "---\n",
    "...",
    '"',
    "'",
    "\\x",
    "\\U",
    "{",
    "}",
)
MORE_SNIPPETS = ("[", "]", ",", "? ", "#", "|\n", ">-\n", "<<", "\t", "\r\n", "\ufeff", "\x85", "\u2028", "1", ".", "e")


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(SNIPPETS + MORE_SNIPPETS), max_size=30).map(lambda parts: "".join(parts).encode()),
    st.sampled_from(["f.yaml", "f.json"]),
)
@example(b'"\\UFFFFFFFF"', "f.yaml")
@example(b"%YAML 1." + b"9" * 5000, "f.yaml")
@example(b"a: !<%ff> b", "f.yaml")
@example(b"\xed\xa0\x80", "f.json")
def test_no_bytes_are_read_or_refused_in_any_other_way(tmp_path_factory: Any, raw: bytes, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    try:
        value = read(path).value
    except DocumentError as error:
        assert error.where.startswith(str(path))  # noqa: PT017 - a refusal is as good as a value
    else:
        assert _is_plain(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(child) for key, child in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, bool, int)) or math.isfinite(value)
