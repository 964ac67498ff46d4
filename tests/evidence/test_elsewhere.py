# SPDX-License-Identifier: Apache-2.0
"""Weights that are not among the hashed bytes, in `MLmodel` files as MLflow writes them and as an attacker would."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models.resources import DatabricksServingEndpoint
from mlflow.transformers.flavor_config import FlavorKey
from sklearn.linear_model import LinearRegression

from qaqpa.escape import visible
from qaqpa.evidence.elsewhere import BYTES_ELSEWHERE, MLMODEL_UNREADABLE, weights_elsewhere

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What `mlflow.transformers.save_model` writes of a model of the Hub, in either way.
LOCAL = {
    "components": ["tokenizer"],
    "framework": "pt",
    "instance_type": "TextClassificationPipeline",
    "model_binary": "model",
    "pipeline_model_type": "BertForSequenceClassification",
    "source_model_name": "acme/scorer",
    "task": "text-classification",
    "tokenizer_type": "BertTokenizerFast",
    "torch_dtype": "torch.float32",
    "transformers_version": "4.57.1",
}
REMOTE = {
    **{key: value for key, value in LOCAL.items() if key != "model_binary"},
    "source_model_revision": COMMIT,
    "tokenizer_name": "acme/scorer",
    "tokenizer_revision": COMMIT,
}


class Echo(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow has no types
    def predict(self, model_input: list[str]) -> list[str]:
        return model_input


def said(root: str | Path, code: str = "") -> str | None:
    """What the first problem says; none where there is no problem."""
    problems = weights_elsewhere(root)
    assert len(problems) <= 1
    assert not code or [problem.code for problem in problems] == [code]
    return problems[0].detail if problems else None


def model(root: Path, flavors: Any, **more: Any) -> Path:
    (root / "model").mkdir(parents=True, exist_ok=True)
    (root / "model" / "model.safetensors").write_bytes(b"weights")
    (root / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors, **more}), encoding="utf-8")
    return root


def written(root: Path, text: str | bytes) -> Path:
    (root / "MLmodel").write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def test_a_directory_without_mlmodel_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    assert said(tmp_path) is None


def test_what_mlflow_saves_with_its_weights_is_all_there(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("1")
    artifacts = {"table": str(tmp_path / "table")}
    mlflow.pyfunc.save_model(str(tmp_path / "p"), python_model=Echo(), artifacts=artifacts, pip_requirements=[])
    fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    mlflow.sklearn.save_model(fitted, str(tmp_path / "s"), pip_requirements=[])
    for name in ("p", "s"):
        assert "python_function" in (tmp_path / name / "MLmodel").read_text()
        assert said(tmp_path / name) is None


def test_a_transformers_model_with_its_weights_is_all_there(tmp_path: Path) -> None:
    assert said(model(tmp_path, {"transformers": LOCAL})) is None


def test_the_fields_are_those_of_mlflow() -> None:
    assert (FlavorKey.MODEL_REVISION, FlavorKey.MODEL_LOCAL_BASE) == ("source_model_revision", "local_base_model_path")
    assert FlavorKey.MODEL_BINARY in LOCAL
    assert FlavorKey.PEFT == "peft_adaptor"


def test_save_pretrained_false_leaves_the_weights_elsewhere_even_at_a_full_commit(tmp_path: Path) -> None:
    found = said(model(tmp_path, {"transformers": REMOTE}), BYTES_ELSEWHERE)
    assert found == (
        "MLmodel: flavor transformers leaves the weights in the repository 'acme/scorer' (save_pretrained=False)."
    )


@pytest.mark.parametrize("revision", [None, "", "main", 0, False])
def test_mlflow_goes_to_the_hub_whatever_the_revision_holds(tmp_path: Path, revision: object) -> None:
    flavor = {**LOCAL, "source_model_revision": revision}
    assert "leaves the weights" in str(said(model(tmp_path, {"transformers": flavor})))


def test_weights_laid_beside_a_name_do_not_help(tmp_path: Path) -> None:
    both = {**REMOTE, "model_binary": "model"}
    assert "leaves the weights" in str(said(model(tmp_path, {"transformers": both})))


def test_an_adapter_on_a_base_model_elsewhere(tmp_path: Path) -> None:
    flavor = {**LOCAL, "peft_adaptor": "model", "local_base_model_path": "/mnt/base"}
    assert "base model in the directory '/mnt/base'" in str(said(model(tmp_path, {"transformers": flavor})))
    diffusers = {"base_model": "acme/images", "base_model_revision": COMMIT, "adapter_weights": "model"}
    assert "flavor diffusers names" in str(said(model(tmp_path, {"diffusers": diffusers})))


@pytest.mark.parametrize("name", ["openai", "langchain", "llama_index", "dspy", "promptflow"])
def test_hosted_models(tmp_path: Path, name: str) -> None:
    reason = f"flavor {name} names a model that is kept or hosted elsewhere"
    assert reason in str(said(model(tmp_path, {name: {"code": None}})))
    loader = {"python_function": {"loader_module": f"mlflow.{name}", "data": "model"}}
    assert "kept or hosted elsewhere" in str(said(model(tmp_path, loader)))
    deeper = {"python_function": {"loader_module": f"mlflow.{name}.model"}}
    assert "kept or hosted elsewhere" in str(said(model(tmp_path, deeper)))


def test_a_prompt_for_a_gateway(tmp_path: Path) -> None:
    loader = {"python_function": {"loader_module": "mlflow.prompt.promptlab_model", "parameters_path": "model"}}
    assert "kept or hosted elsewhere" in str(said(model(tmp_path, loader)))


def test_a_model_that_needs_a_serving_endpoint(tmp_path: Path) -> None:
    resources = [DatabricksServingEndpoint("chat")]
    mlflow.pyfunc.save_model(str(tmp_path / "m"), python_model=Echo(), pip_requirements=[], resources=resources)
    assert "serving endpoint" in str(said(tmp_path / "m"))
    policy = {"system_auth_policy": {"resources": {"databricks": {"serving_endpoint": [{"name": "chat"}]}}}}
    assert "serving endpoint" in str(said(model(tmp_path / "p", {}, auth_policy=policy)))


def test_an_external_model(tmp_path: Path) -> None:
    tracking = f"sqlite:///{tmp_path}/mlflow.db"
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking)
    try:
        client = mlflow.MlflowClient(tracking)
        experiment = client.create_experiment("external", str(tmp_path / "artifacts"))
        location = mlflow.create_external_model(name="x", experiment_id=experiment).artifact_location
    finally:
        mlflow.set_tracking_uri(before)
    assert "external model" in str(said(location.removeprefix("file://")))
    for value in (True, "true", "TRUE", 1, "yes"):
        assert "external model" in str(said(model(tmp_path / "m", {}, metadata={"mlflow.model.isExternal": value})))
    assert said(model(tmp_path / "m", {}, metadata={"mlflow.model.isExternal": False})) is None


@pytest.mark.parametrize("field", ["data", "model_binary", "pickled_model", "python_model", "code", "model_path"])
@pytest.mark.parametrize(
    "path",
    ["/mnt/weights", "../weights", "model/../../weights", "s3://b/w", "file:/w", "C:\\w", "C:/w", "..\\w", "//h/w"],
)
def test_a_path_that_leads_out_of_the_model(tmp_path: Path, field: str, path: str) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    found = said(model(tmp_path / "m", {"python_function": {field: path}}))
    assert "leads out of the model's directory" in str(found)


@pytest.mark.parametrize(
    "value", ["nothing", "model/nothing", "nothing/model", "", 5, True, {"a": "b"}, [["model"]], "a\0b"]
)
def test_a_path_to_what_is_not_there(tmp_path: Path, value: object) -> None:
    found = str(said(model(tmp_path, {"sklearn": {"pickled_model": value}})))
    assert "not among the model's files" in found or "is not a path" in found


def test_an_artifact_outside(tmp_path: Path) -> None:
    for info in ({"path": "/mnt/w", "uri": "x"}, {"uri": "x"}, "model", {"path": "artifacts/none"}):
        assert said(model(tmp_path, {"python_function": {"artifacts": {"w": info}}}))
    assert "not a path" in str(said(model(tmp_path, {"python_function": {"artifacts": ["model"]}})))
    inside = {"python_function": {"artifacts": {"w": {"path": "model", "uri": "s3://where/it/came/from"}}}}
    assert said(model(tmp_path, inside)) is None


def test_a_name_that_several_files_have_in_common_is_there(tmp_path: Path) -> None:
    root = model(tmp_path, {"paddle": {"pickled_model": "net"}})
    assert said(root)
    (root / "net.pdparams").write_bytes(b"1")
    assert said(root) is None


def test_code_is_looked_for_where_mlflow_looks_for_it(tmp_path: Path) -> None:
    root = model(tmp_path, {"python_function": {"model_code_path": "/home/me/agent.py"}})
    assert "not among" in str(said(root))
    (root / "agent.py").write_text("")
    assert said(root) is None


def test_a_model_within_the_model_is_read_too(tmp_path: Path) -> None:
    model(tmp_path, {})
    model(tmp_path / "artifacts" / "inner", {"transformers": REMOTE})
    assert str(said(tmp_path)).startswith("artifacts/inner/MLmodel: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n",
        "text\n",
        "flavors: [1]\n",
        "flavors: {transformers: text}\n",
        "flavors: {transformers: [source_model_revision]}\n",
        "flavors: {}\nmetadata: 5\n",
        "flavors: {}\nflavors: {transformers: {source_model_revision: x}}\n",
        "a: &a {source_model_revision: x}\nflavors: {transformers: *a}\n",
        "flavors: {transformers: {<<: {source_model_revision: x}}}\n",
        "flavors: {transformers: {'<<': {source_model_revision: x}}}\n",
        "<<: {flavors: {transformers: {source_model_revision: x}}}\n",
        "flavors: !!map {transformers: {source_model_revision: x}}\n",
        "flavors: {}\n---\nflavors: {transformers: {source_model_revision: x}}\n",
        "flavors: {? [1] : 2}\n",
        "flavors: " + "[" * 5000 + "\n",
        "a: &a [x,x]\nb: &b [*a,*a]\n",
        b"\xff\xfe" + "flavors: {}".encode("utf-16-le"),
        b"flavors: {\x80}\n",
    ],
)
def test_an_mlmodel_that_could_be_read_in_two_ways_is_a_reason(tmp_path: Path, text: str | bytes) -> None:
    found = said(written(tmp_path, text))
    assert found
    assert found.startswith("MLmodel")


def test_escaped_and_indented_keys_are_the_same_keys(tmp_path: Path) -> None:
    text = '{"flavors": {"transformers": {"source\\x5fmodel\\u005frevision": "x"}}}'
    assert "leaves the weights" in str(said(written(tmp_path, text)))


def test_a_link_or_a_pipe_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").symlink_to("/etc/hostname")
    assert "not a plain file" in str(said(tmp_path, MLMODEL_UNREADABLE))
    (tmp_path / "MLmodel").unlink()
    os.mkfifo(tmp_path / "MLmodel")
    assert "not a plain file" in str(said(tmp_path, MLMODEL_UNREADABLE))


def test_thousands_of_mlmodels_are_not_read(tmp_path: Path) -> None:
    for number in range(101):
        model(tmp_path / str(number), {})
    assert "101 MLmodel files" in str(said(tmp_path, MLMODEL_UNREADABLE))


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    flavor = {"source_model_revision": "x", "source_model_name": "a\x1b[2J\u202eb" * 1000}
    found = said(model(tmp_path / "e\x1b" / "d", {"f\x1b": flavor, "g": {}}).parent)
    assert found
    assert found.isprintable()
    assert len(found) < 1000


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    found = said(written(tmp_path_factory.mktemp("m"), content))
    assert found is None or visible(found, 10_000) == found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["flavors", "data", "artifacts", "metadata", "resources", "<<", "x"]), inner),
        max_leaves=12,
    )
)
def test_no_value_raises(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    found = said(written(tmp_path_factory.mktemp("m"), yaml.safe_dump(value)))
    assert found is None or visible(found, 10_000) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("flavors: {}\n#" + "x" * 256_000, "more than the 256000 bytes"),
        ("flavors: {x: {artifacts: {" + ", ".join(f"a{n}: {{path: p}}" for n in range(501)) + "}}}\n", "more than 500"),
        ("flavors: {x: {data: registered_model_meta}}\n", "outside the model digest"),
        ("flavors: {x: {artifacts: {a: {path: ./registered_model_meta}}}}\n", "outside the model digest"),
    ],
)
def test_what_would_take_long_or_lies_outside_the_digest_is_a_reason(tmp_path: Path, text: str, why: str) -> None:
    root = written(tmp_path, text)
    (root / "registered_model_meta").write_text("model_name: x\nmodel_version: '1'\n", encoding="utf-8")
    found = said(root)
    assert found
    assert why in found
