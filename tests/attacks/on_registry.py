# SPDX-License-Identifier: Apache-2.0
"""Requests that try to bring a version into production by the registry's own calls, in their many spellings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import requests

from attacks.target import Target
from attacks.trying import GATE, MLFLOW, NOBODY, Attack
from qaqpa.mlflow.records import PROMPT_SOURCES

_ALIAS, _STAGE, _TAG = "registered-models/alias", "model-versions/transition-stage", "model-versions/set-tag"
_PROMPT = ("mlflow.prompt.is_prompt", "true")


def _body(on: Target, **changes: Any) -> dict[str, Any]:
    return {"name": on.evil.name, "alias": "production", "version": on.evil.number, **changes}


def _raw(on: Target, data: str | bytes, path: str = _ALIAS, **headers: str) -> requests.Response:
    """A body as it is, with headers whose names have `_` for `-`."""
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return on.call("POST", f"mlflow/{path}", data=data, headers=named)


def _model(prefix: str, *tags: tuple[str, str]) -> Callable[[Target], str]:
    """Makes a registered model without versions."""

    def make(on: Target) -> str:
        name = on.registry.new_name(prefix)
        body = {"name": name, "tags": [{"key": key, "value": value} for key, value in tags]}
        assert on.post("registered-models/create", body).ok
        return name

    return make


def _version(on: Target, name: str, **changes: Any) -> requests.Response:
    """Registers the evil bytes, or others."""
    body = {"name": name, "source": on.evil.source, "run_id": on.evil.run_id, **changes}
    return on.post("model-versions/create", {key: value for key, value in body.items() if value is not None})


def _numbered(on: Target, name: str, number: str = "1") -> requests.Response:
    return on.post(_ALIAS, {"name": name, "alias": "production", "version": number})


def _register(
    name: str, prefix: str, by: str = GATE, *, often: bool = False, row: str = "create", **changes: Any
) -> Attack:
    """An attack that registers a version; a change may be a function from the target to its value."""

    def do(on: Target, made: str) -> requests.Response:
        return _version(on, made, **{key: value(on) if callable(value) else value for key, value in changes.items()})

    return Attack(name, row, do, by, often=often, first=_model(prefix))


def _rename(on: Target, name: str, new_name: str) -> requests.Response:
    return on.post("registered-models/rename", {"name": name, "new_name": new_name})


def _masked(on: Target) -> str:
    """A model that poses as a prompt, its version too; MLflow takes the marks afterwards."""
    name = _model("posing")(on)
    assert _version(on, name).ok
    for call, more in (("registered-models/set-tag", {}), (_TAG, {"version": "1"})):
        assert on.post(call, {"name": name, "key": _PROMPT[0], "value": _PROMPT[1], **more}).ok
    return name


def _among_prompts(on: Target) -> str:
    """A prompt to which a model is added, as version 2."""
    name = _model("prompt", _PROMPT)(on)
    tags = [{"key": key, "value": value} for key, value in (_PROMPT, ("mlflow.prompt.text", "Hello"))]
    assert _version(on, name, source=sorted(PROMPT_SOURCES)[0], run_id=None, tags=tags).ok
    assert _version(on, name).ok
    return name


def _marked(on: Target) -> requests.Response:
    """Marks the evil model for a while."""
    body = {"name": on.evil.name, "key": _PROMPT[0]}
    answer = on.post("registered-models/set-tag", {**body, "value": _PROMPT[1]})
    assert on.alias(on.evil, "production").status_code == 403
    assert on.post("registered-models/delete-tag", body, "DELETE").ok
    return answer


def _imported(on: Target) -> str:
    """What an import makes: another name, with the tags and the evidence of somebody else."""
    name = _model("imported", ("source", on.good.name))(on)
    key, value = on.evidence()
    tags = [{"key": key, "value": value}, {"key": "mlflow_exim.mv_version", "value": "1"}]
    assert _version(on, name, tags=tags).ok
    return name


def _again(on: Target) -> str:
    """A name that was deleted and made again; its first version has number 1 again."""
    name = _model("again")(on)
    assert _version(on, name).json()["model_version"]["version"] == "1"
    assert on.post("registered-models/delete", {"name": name}, "DELETE").ok
    assert on.post("registered-models/create", {"name": name}).ok
    assert _version(on, name).json()["model_version"]["version"] == "1"
    return name


def _swapped(on: Target) -> requests.Response:
    """The first of three renames by which two models swap their names."""
    refused = _rename(on, on.good.name, f"{on.good.name}-away")
    assert _rename(on, on.evil.name, on.good.name).status_code == 400
    return refused


def _look_alike(on: Target) -> requests.Response:
    """An alias with a Cyrillic letter is another one, which nobody who serves asks for."""
    answer = on.alias(on.evil, "prоduction")
    on.post(_ALIAS, {"name": on.evil.name, "alias": "prоduction"}, "DELETE")
    return answer


def _alias_of_other(on: Target) -> requests.Response:
    answer = _raw(on, f'{{"name": "{on.evil.name}", "alias": "production", "alias": "other", "version": "1"}}')
    on.post(_ALIAS, {"name": on.evil.name, "alias": "other"}, "DELETE")
    return answer


REGISTRY: tuple[Attack, ...] = (
    Attack("alias to another version", "rest", lambda on: on.alias(on.worse, "production"), often=True),
    Attack("alias of another model", "rest", lambda on: on.alias(on.evil, "production"), often=True),
    Attack("alias by the page's tree", "rest", lambda on: on.alias(on.evil, "production", "ajax-api/2.0"), often=True),
    Attack("stage of another version", "rest", lambda on: on.stage(on.worse, "Production"), often=True),
    Attack(
        "stage that archives what is there",
        "rest",
        lambda on: on.stage(on.worse, "Production", archive_existing_versions=True),
        often=True,
    ),
    Attack("alias in capitals", "look-alikes", lambda on: on.alias(on.worse, "PRODUCTION")),
    Attack(
        "alias in full-width letters", "look-alikes", lambda on: on.alias(on.worse, "ｐｒｏｄｕｃｔｉｏｎ"), often=True
    ),
    Attack("alias with white space", "look-alikes", lambda on: on.alias(on.worse, "production\n")),
    Attack("alias with a Cyrillic letter", "look-alikes", _look_alike, NOBODY),
    # Another name, under which nobody who serves looks.
    _register("name with a Cyrillic letter", "lіve", NOBODY, row="look-alikes"),
    Attack("alias of a thousand letters", "look-alikes", lambda on: on.alias(on.evil, "production" * 100), MLFLOW),
    Attack(
        "name of ten thousand letters",
        "look-alikes",
        lambda on: on.post(_ALIAS, _body(on, name="n" * 10_000)),
        MLFLOW,
        (400, 404),
    ),
    Attack("alias latest", "look-alikes", lambda on: on.alias(on.evil, "latest"), MLFLOW),
    Attack("stage in other letters", "spelling", lambda on: on.stage(on.evil, "pRoDuCtIoN"), often=True),
    Attack("stage with white space", "spelling", lambda on: on.stage(on.evil, "Production "), MLFLOW),
    Attack("stage by number 01", "spelling", lambda on: on.stage(on.evil, "Production", "01"), often=True),
    Attack("stage by a number with a blank", "spelling", lambda on: on.stage(on.evil, "Production", " 1")),
    Attack("stage by number 1.0", "spelling", lambda on: on.stage(on.evil, "Production", "1.0"), MLFLOW),
    Attack("stage by a full-width number", "spelling", lambda on: on.stage(on.evil, "Production", "１")),
    Attack("alias by number 01", "spelling", lambda on: on.alias(on.evil, "production", number="01")),
    Attack("alias by a number with a blank", "spelling", lambda on: on.alias(on.evil, "production", number=" 1")),
    Attack("alias by number 1.0", "spelling", lambda on: on.alias(on.evil, "production", number="1.0"), MLFLOW),
    Attack("alias by a number that is none", "spelling", lambda on: on.alias(on.evil, "production", number=1), MLFLOW),
    Attack(
        "archiving told as text",
        "spelling",
        lambda on: on.stage(on.worse, "Production", archive_existing_versions="true"),
        MLFLOW,
    ),
    Attack("body that is encoded twice", "parsing", lambda on: on.post(_ALIAS, json.dumps(_body(on))), behind=(400,)),
    Attack(
        "a field that is there twice",
        "parsing",
        lambda on: _raw(on, f'{{"name": "{on.evil.name}", "alias": "other", "alias": "production", "version": "1"}}'),
    ),
    Attack("a field that is there twice, the other way round", "parsing", _alias_of_other, NOBODY),
    Attack(
        "fields in camelCase",
        "parsing",
        lambda on: on.stage(on.worse, "Production", archiveExistingVersions=True),
        often=True,
    ),
    Attack(
        "a field in camelCase alone",
        "parsing",
        lambda on: on.post("registered-models/rename", {"name": on.good.name, "newName": "away"}),
        MLFLOW,
    ),
    Attack(
        "a field in both spellings",
        "parsing",
        lambda on: on.post(
            "registered-models/rename", {"name": on.good.name, "new_name": on.good.name, "newName": "x"}
        ),
        MLFLOW,
    ),
    Attack(
        "body as plain text",
        "parsing",
        lambda on: _raw(on, json.dumps(_body(on)), Content_Type="text/plain"),
        MLFLOW,
        (400, 415),
    ),
    Attack(
        "body as JSON of another kind",
        "parsing",
        lambda on: _raw(on, json.dumps(_body(on)), Content_Type="application/merge-patch+json"),
        MLFLOW,
        (400, 415),
    ),
    Attack("body in UTF-16", "parsing", lambda on: _raw(on, json.dumps(_body(on)).encode("utf-16"))),
    Attack(
        "body as a form", "parsing", lambda on: on.call("POST", f"mlflow/{_ALIAS}", data=_body(on)), MLFLOW, (400, 415)
    ),
    Attack(
        "body that is compressed",
        "parsing",
        lambda on: _raw(on, gzip.compress(json.dumps(_body(on)).encode()), Content_Encoding="gzip"),
        MLFLOW,
        (400, 415),
    ),
    Attack(
        "parameters in the address",
        "parsing",
        lambda on: on.call("POST", f"mlflow/{_ALIAS}", params=_body(on), json={}),
        MLFLOW,
    ),
    Attack(
        "parameters in the address that differ",
        "parsing",
        lambda on: on.call("POST", f"mlflow/{_ALIAS}", params=_body(on, alias="other"), json=_body(on)),
    ),
    Attack(
        "another method by a header",
        "parsing",
        lambda on: on.call(
            "GET",
            f"mlflow/{_ALIAS}",
            params=_body(on),
            json=_body(on),
            headers={"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"},
        ),
        MLFLOW,
        (400, 404),
    ),
    Attack(
        "another case of the path",
        "parsing",
        lambda on: on.call("POST", "MLflow/Registered-Models/Alias", json=_body(on)),
        MLFLOW,
        (404, 405),
    ),
    Attack(
        "the old tree of paths",
        "parsing",
        lambda on: on.call("POST", f"preview/mlflow/{_ALIAS}", json=_body(on)),
        MLFLOW,
        (404, 405),
    ),
    Attack(
        "the path with more slashes",
        "parsing",
        lambda on: on.call("POST", f"mlflow//{_ALIAS}/", json=_body(on)),
        MLFLOW,
        (404, 405),
    ),
    Attack(
        "a name with a null character",
        "parsing",
        lambda on: on.post(_ALIAS, _body(on, alias="production\0")),
        MLFLOW,
        (400,),
    ),
    _register("registering under a gated name", "live", often=True),
    _register("registering under a gated name in capitals", "LIVE"),
    _register("registering under a gated name in full-width letters", "ｌｉｖｅ"),
    _register(
        "copying under a gated name",
        "live",
        often=True,
        source=lambda on: f"models:/{on.evil.name}/{on.evil.number}",
        run_id=None,
    ),
    _register(
        "copying by an alias that can be moved later",
        "live",
        source=lambda on: f"models:/{on.good.name}@production",
        run_id=None,
    ),
    _register(
        "copying what is in production under a name that its evidence does not name",
        "live",
        source=lambda on: f"models:/{on.good.name}/{on.good.number}",
        run_id=None,
    ),
    _register("registering bytes of nowhere", "live", source="s3://nowhere/model", run_id=None),
    _register("registering a directory of the server", "live", MLFLOW, source="file:///etc", run_id=None),
    _register("registering bytes beside the run's", "live", MLFLOW, source=lambda on: f"{on.evil.source}/../../../x"),
    _register(
        "registering bytes beside the run's, encoded",
        "live",
        MLFLOW,
        source=lambda on: f"{on.evil.source}/%2e%2e/%2e%2e",
    ),
    _register(
        "claiming the run of the good version",
        "live",
        row="run-spoofing",
        source="s3://nowhere/model",
        run_id=lambda on: on.good.run_id,
    ),
    _register(
        "claiming the run of the good version for other bytes",
        "live",
        MLFLOW,
        row="run-spoofing",
        run_id=lambda on: on.good.run_id,
    ),
    _register(
        "claiming the logged model of the good version",
        "live",
        MLFLOW,
        row="run-spoofing",
        model_id=lambda on: on.model_id,
    ),
    Attack(
        "renaming what is in production",
        "rename",
        lambda on: _rename(on, on.good.name, f"{on.good.name}-gone"),
        often=True,
    ),
    Attack("renaming another model to its name", "rename", lambda on: _rename(on, on.evil.name, on.good.name), MLFLOW),
    Attack(
        "renaming to a gated name",
        "rename",
        lambda on: _rename(on, on.evil.name, on.registry.new_name("live")),
        often=True,
    ),
    Attack("renaming to a gated name in other letters", "rename", lambda on: _rename(on, on.evil.name, "Ｌive-x")),
    Attack("swapping two names", "rename", _swapped),
    Attack(
        "renaming what is in production in other letters",
        "rename",
        lambda on: _rename(on, on.good.name, on.good.name.upper()),
    ),
    Attack("a name that is deleted and made again", "recreate", _numbered, often=True, first=_again),
    Attack(
        "deleting what is in production, to make it again",
        "recreate",
        lambda on: on.post("registered-models/delete", {"name": on.good.name}, "DELETE"),
        often=True,
    ),
    Attack("a model that poses as a prompt", "prompts", _numbered, often=True, first=_masked),
    Attack(
        "a model among the versions of a prompt",
        "prompts",
        lambda on, made: _numbered(on, made, "2"),
        first=_among_prompts,
    ),
    Attack(
        "marking the model as a prompt",
        "prompts",
        _marked,
        NOBODY,
    ),
    Attack("what an import does", "import", _numbered, first=_imported),
    Attack(
        "with the header of an assistant",
        "assistant",
        lambda on: on.call(
            "POST", f"mlflow/{_ALIAS}", json=_body(on), headers={"X-MLflow-Assistant-Delegation": "editor"}
        ),
    ),
    Attack(
        "deleting the version",
        "evidence",
        lambda on: on.post("model-versions/delete", {"name": on.good.name, "version": on.good.number}, "DELETE"),
    ),
    Attack(
        "deleting evidence",
        "evidence",
        lambda on: on.post(
            "model-versions/delete-tag",
            {"name": on.good.name, "version": on.good.number, "key": on.evidence()[0]},
            "DELETE",
        ),
        often=True,
    ),
    Attack(
        "overwriting evidence",
        "evidence",
        lambda on: on.post(
            _TAG, {"name": on.good.name, "version": on.good.number, "key": on.evidence()[0], "value": "{}"}
        ),
        often=True,
    ),
    Attack(
        "writing the server's own tag",
        "evidence",
        lambda on: on.post(
            _TAG,
            {"name": on.good.name, "version": on.good.number, "key": "qaqpa.registered_by", "value": '["somebody"]'},
        ),
    ),
    Attack(
        "writing the server's own tag in capitals",
        "evidence",
        lambda on: on.post(
            _TAG, {"name": on.evil.name, "version": on.evil.number, "key": "QAQPA.registered_by", "value": "[]"}
        ),
    ),
    Attack(
        "copying evidence to other bytes",
        "evidence",
        lambda on: on.post(
            _TAG,
            {"name": on.evil.name, "version": on.evil.number, "key": on.evidence()[0], "value": on.evidence()[1]},
        ),
        NOBODY,
    ),
    Attack(
        "describing it as approved",
        "evidence",
        lambda on: on.post(
            "model-versions/update",
            {"name": on.evil.name, "version": on.evil.number, "description": "approved"},
            "PATCH",
        ),
        NOBODY,
    ),
)
"""By the registry's calls."""
