# SPDX-License-Identifier: Apache-2.0
"""Whether a model's weights are among the bytes that are hashed, as far as its `MLmodel` files say.

MLflow can save a model as a mere name: of a repository on the Hugging Face Hub, of a directory on somebody's disk, of a
hosted service. Then the model digest says nothing about what will answer. Nothing that MLflow writes for such a model
pins its content. A `source_model_revision` is the name of a commit: whoever serves the repository decides which bytes
come for it, MLflow compares none, and it is a SHA-1. So each of these counts as lying elsewhere; what mends it is to
save the weights with the model.

An `MLmodel` that is too large, has anchors or aliases, or can be read in two ways is a problem of its own: it may hide
where the weights are. It is read from events and without recursion, so none takes long.

What code in a model fetches when it is loaded cannot be seen here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from qaqpa.documents import DocumentError, parse, read_bytes
from qaqpa.escape import visible
from qaqpa.model import Json, JsonObject, Problem

BYTES_ELSEWHERE = "bytes_elsewhere"
"""The code of the problem that weights lie elsewhere."""

MLMODEL_UNREADABLE = "mlmodel_unreadable"
"""The code of the problem that nobody can tell where they lie."""

_MLMODEL = "MLmodel"
_MOST_FILES = 100
# Reading a megabyte of YAML takes seconds, and a server does it while somebody waits.
_MOST_BYTES = 256_000
_MOST_PATHS = 500
# Of one model the same file is read at every promotion.
_MOST_KEPT_BYTES = 32_000
# Not a part of the model digest, so nothing that is loaded may lie there.
_OUTSIDE_THE_DIGEST = "registered_model_meta"
# Of these MLflow writes how to ask for a model, or code that asks for it; never weights.
_HOSTED = frozenset({"diffusers", "dspy", "langchain", "llama_index", "openai", "promptflow"})
_PROMPTLAB = "mlflow.prompt.promptlab_model"
_REVISION = "source_model_revision"
_LOCAL_BASE = "local_base_model_path"
_CODE_PATH = "model_code_path"
# What MLflow opens when it loads a model, each a path below the model's own directory.
_PATHS = frozenset(
    {
        *("code", "data", "model_binary", _CODE_PATH, "model_data", "model_path", "parameters_path"),
        *("peft_adaptor", "pickled_model", "python_model", "saved_model_dir", "serialized_explainer"),
    }
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def weights_elsewhere(root: str | Path) -> tuple[Problem, ...]:
    """The problem that the weights are not among the files below `root`, or that it cannot be told; else none.

    A directory without `MLmodel` is taken as it is. The directory should have a model digest already: that refuses
    links and special files.
    """
    base = Path(root)
    found = sorted(_mlmodels(base))
    if len(found) > _MOST_FILES:
        return (_unreadable(f"The model has {len(found)} MLmodel files, more than the {_MOST_FILES} that are read."),)
    if sum(path.stat(follow_symlinks=False).st_size for path in found) > _MOST_BYTES:
        return (_unreadable(f"The model's MLmodel files have more than the {_MOST_BYTES} bytes that are read."),)
    problem = next((problem for path in found if (problem := _problem(path, base))), None)
    return (problem,) if problem else ()


def _mlmodels(base: Path) -> Iterator[Path]:
    """All that MLflow could load a model from: the root, and models within the model."""
    for folder, _, names in os.walk(base):
        if _MLMODEL in names:
            yield Path(folder, _MLMODEL)


def _problem(path: Path, base: Path) -> Problem | None:
    name = visible(path.relative_to(base).as_posix())
    if path.is_symlink() or not path.is_file():
        return _unreadable(f"{name} is not a plain file, and may hide where the weights are.")
    try:
        raw = read_bytes(path)
        value = (_parsed if len(raw) <= _MOST_KEPT_BYTES else _parsed.__wrapped__)(raw)
    except DocumentError as error:
        return _unreadable(f"{name} cannot be read, and may hide where the weights are: {visible(error.found)}.")
    if not isinstance(value, dict):
        return _unreadable(f"{name}: it is not a mapping.")
    if _has_key(value, "<<"):
        return _unreadable(f"{name}: it merges mappings (<<), which MLflow follows and other readers do not.")
    reason = _of_model(value, path.parent)
    return Problem(BYTES_ELSEWHERE, f"{name}: {reason}.") if reason else None


@lru_cache(maxsize=32)
def _parsed(raw: bytes) -> Json:
    return parse(raw, _MLMODEL).value


def _unreadable(detail: str) -> Problem:
    return Problem(MLMODEL_UNREADABLE, detail)


def _of_model(model: JsonObject, folder: Path) -> str | None:
    metadata, flavors = (model.get(part) or {} for part in ("metadata", "flavors"))
    if not isinstance(metadata, dict) or not isinstance(flavors, dict):
        return "metadata or flavors is not a mapping"
    if str(metadata.get("mlflow.model.isExternal", False)).lower() != "false":
        return "it is an external model, whose files MLflow does not keep"
    if _has_key([model.get("resources"), model.get("auth_policy")], "serving_endpoint"):
        return "it needs a serving endpoint, whose model is hosted elsewhere"
    return next((reason for name, own in flavors.items() if (reason := _of_flavor(name, own or {}, folder))), None)


def _of_flavor(name: str, own: Json, folder: Path) -> str | None:
    if not isinstance(own, dict):
        return f"flavor {visible(name)} is not a mapping"
    loader = str(own.get("loader_module", ""))
    if name in _HOSTED or loader.removeprefix("mlflow.").split(".")[0] in _HOSTED or loader == _PROMPTLAB:
        shown = visible(name if name in _HOSTED else loader)
        return f"flavor {shown} names a model that is kept or hosted elsewhere"
    # MLflow goes to the repository when the key is there, whatever it holds.
    if _REVISION in own:
        source = visible(own.get("source_model_name"))
        return f"flavor {visible(name)} leaves the weights in the repository {source!r} (save_pretrained=False)"
    if own.get(_LOCAL_BASE):
        return f"flavor {visible(name)} leaves the base model in the directory {visible(own[_LOCAL_BASE])!r}"
    paths = list(islice(_paths(own), _MOST_PATHS + 1))
    if len(paths) > _MOST_PATHS:
        return f"flavor {visible(name)} names more than {_MOST_PATHS} files"
    return next((reason for key, path in paths if (reason := _of_path(key, path, folder))), None)


def _paths(own: JsonObject) -> Iterator[tuple[str, Json]]:
    """What a flavor has MLflow open, by the name of the field."""
    for key in sorted(_PATHS & own.keys()):
        values = own[key] if isinstance(own[key], list) else [own[key]]
        yield from ((key, value) for value in values if value is not None)
    artifacts = own.get("artifacts") or {}
    if not isinstance(artifacts, dict):
        yield "artifacts", None
        return
    for name, one in artifacts.items():
        yield f"artifacts.{name}", one.get("path") if isinstance(one, dict) else None


def _of_path(key: str, value: Json, folder: Path) -> str | None:
    if not isinstance(value, str) or not value:
        return f"{visible(key)} is not a path"
    # MLflow itself takes the last part of this one, which may be where the code lay when it was saved.
    path = value.rsplit("/", 1)[-1] if key == _CODE_PATH else value
    if path.startswith("/") or "\\" in path or _URI.match(path) or ".." in path.split("/"):
        return f"{visible(key)} {visible(value)!r} leads out of the model's directory"
    if path.rstrip("/").rsplit("/", 1)[-1] == _OUTSIDE_THE_DIGEST:
        return f"{visible(key)} {visible(value)!r} is a file that MLflow writes, outside the model digest"
    if not _is_there(folder / path):
        return f"{visible(key)} {visible(value)!r} is not among the model's files"
    return None


def _is_there(path: Path) -> bool:
    """True where it exists, or is what several files have in common: Paddle names `model` for `model.pdparams`."""
    try:
        return path.exists() or any(one.name.startswith(f"{path.name}.") for one in path.parent.iterdir())
    except (OSError, ValueError):
        return False


def _has_key(value: Json, key: str) -> bool:
    """True where a mapping in the value has the key, however deep."""
    if isinstance(value, dict):
        return key in value or any(_has_key(item, key) for item in value.values())
    return isinstance(value, list) and any(_has_key(item, key) for item in value)
