# SPDX-License-Identifier: Apache-2.0
"""Both engines give the same decision documents, on everything that can be derived and on what chance makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qaqpa import times
from qaqpa.config import Config, load_config
from qaqpa.errors import UndecidedError
from qaqpa.evidence.directory import read_directory
from qaqpa.gate import input_document, open_trust, request_about
from qaqpa.model import Stage
from qaqpa.policy.check import check_document
from qaqpa.policy.differential import differing, embedded_answers, opa_answers, run_tests_on_both
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.samples import samples, variations
from qaqpa.policy.server import OpaServerEngine
from support.engine import fits
from support.statements import everything, request

pytestmark = [pytest.mark.opa]

ALL = settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


PARTS = 16
"""In how many tests the derived inputs are compared, so that two cores have the same to do."""

EXAMPLES = Path(__file__).parents[2] / "examples"


def passing() -> Any:
    """The input of a model that is allowed: complete evidence for every control of `article-baseline`."""
    return input_document(request(everything()))


def cases() -> list[tuple[Path, Any, Any]]:
    """Each case of each example: where it lies, what is expected, and the input that is judged.

    A case may name a configuration, by its path in the directory of the system.
    """
    found = []
    for path in sorted(EXAMPLES.rglob("expected.json")):
        expected = json.loads(path.read_bytes())
        directory, stage = read_directory(path.parent), Stage(expected["stage"])
        for case in expected["cases"]:
            config = load_config(path.parents[1] / case["config"]) if "config" in case else Config()
            request = request_about(
                directory.subject,
                directory.carried,
                stage=stage,
                profiles=case["profiles"],
                settings=config.settings_for(stage),
                now=times.parse(expected["as_of"]),
                trust=open_trust(config),
            )
            found.append((path.parent, case, input_document(request)))
    return found


def made(engine: EmbeddedEngine) -> list[Any]:
    """Inputs for all profiles, with waivers of all their controls."""
    profiles = sorted(engine.catalog.profiles)
    return list(samples(profiles, sorted(engine.catalog.asked(profiles))))


def changed(engine: EmbeddedEngine) -> list[Any]:
    """Each change of evidence that passes, with waivers of all controls."""
    return list(variations(passing(), sorted(engine.catalog.asked(passing()["profiles"]))))


def test_every_policy_test_holds_on_both_engines(policies: Path) -> None:
    assert run_tests_on_both(policies)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_derived_input_gives_the_same_sound_document(policies: Path, embedded: EmbeddedEngine, part: int) -> None:
    inputs = [*made(embedded), passing(), *changed(embedded)][part::PARTS]
    assert len(inputs) > 350
    answers = embedded_answers(embedded, inputs)
    assert [
        document
        for document, one, other in zip(inputs, answers, opa_answers(policies, inputs), strict=True)
        if one != other
    ] == []
    fitting = [(document, answer) for document, answer in zip(inputs, answers, strict=True) if fits(document)]
    assert len(fitting) > 250
    for document, answer in fitting:
        check_document(answer, document, embedded.catalog)
        assert "malformed_input" not in {problem["code"] for problem in answer["problems"]}


def test_changes_of_evidence_that_passes_reach_all_that_a_decision_can_say(embedded: EmbeddedEngine) -> None:
    answers = embedded_answers(embedded, [passing(), *changed(embedded)])
    assert {"allow", "deny", "undecided"} <= {answer["verdict"] for answer in answers}
    statuses = {finding["status"] for answer in answers for finding in answer["findings"]}
    assert {"pass", "warn", "fail", "waived", "not_applicable"} <= statuses
    codes = {problem["code"] for answer in answers for problem in answer["problems"]}
    assert {"actor_unknown", "context_unsigned", "malformed_input"} <= codes


def test_every_example_gives_the_same_document(policies: Path, embedded: EmbeddedEngine) -> None:
    found = cases()
    assert found
    assert differing(policies, embedded, [document for _, _, document in found]) == []
    for place, case, document in found:
        decision = embedded.evaluate(document).document
        assert decision["verdict"] == case["verdict"], (place, case["profiles"])
        statuses = {finding["control"]: finding["status"] for finding in decision["findings"]}
        assert statuses == case["controls"], (place, case["profiles"])


def test_each_profile_alone_gives_the_same_document(policies: Path, embedded: EmbeddedEngine) -> None:
    inputs = [next(samples([profile])) for profile in [*sorted(embedded.catalog.profiles), "unknown"]]
    inputs.append({**inputs[0], "profiles": []})
    assert differing(policies, embedded, inputs) == []
    assert opa_answers(policies, inputs)[-1]["verdict"] == "undecided"


@pytest.mark.server
@pytest.mark.parametrize("part", range(4))
def test_a_real_server_gives_the_same_documents(server: OpaServerEngine, embedded: EmbeddedEngine, part: int) -> None:
    for document in made(embedded)[::7][part::4]:
        assert _outcome(server, document) == _outcome(embedded, document)


# What chance makes. Numbers at the edges of what JSON readers agree on, texts beyond ASCII, and any type anywhere.
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 1, -1, 2**31, 2**53 - 1, -(2**53) + 1, 9000000, 0.1, 0.87, 0.77, 1e-7, 1e15, 0.30000000000000004]
    ),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6)),
)
TEXTS = st.one_of(
    st.sampled_from(["", " ", "\u00a0", "KZ", "kk", "2026-11-23", "қақпа", "\U0001f512", 'a"b\\c', "\x00", "\u2028"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
_STARTS: list[Any] = []


def _starts(engine: EmbeddedEngine) -> list[Any]:
    if not _STARTS:
        _STARTS.extend(made(engine)[1::20])
        _STARTS.extend([passing()] * len(_STARTS))
    return _STARTS


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for name, child in children for path in _paths(child, (*here, name)))]


def _changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    if value is DELETED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


DELETED = object()


@pytest.mark.server
@ALL
@given(data=st.data())
def test_any_value_in_any_place_gives_the_same_document(
    server: OpaServerEngine, embedded: EmbeddedEngine, data: st.DataObject
) -> None:
    starts = _starts(embedded)
    document = starts[data.draw(st.integers(0, len(starts) - 1))]
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path in _paths(document) if path]
        path = places[data.draw(st.integers(0, len(places) - 1))]
        document = _changed(document, path, data.draw(st.just(DELETED) | ANYTHING))
    theirs, ours = _outcome(server, document), _outcome(embedded, document)
    if theirs is None:
        # With strict builtin errors a server refuses what WebAssembly takes as undefined. Such input never gets past
        # `check_input`; if it did, it must not be allowed.
        assert ours is None or not fits(document)
    else:
        assert ours == theirs
    if fits(document):
        check_document(ours, document, embedded.catalog)


def _outcome(engine: EmbeddedEngine | OpaServerEngine, document: Any) -> Any:
    try:
        return engine.evaluate(document).document
    except UndecidedError:
        return None
