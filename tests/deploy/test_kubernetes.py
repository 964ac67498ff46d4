# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes manifests: they fit the schemas, ask for no rights, and run what the Compose file runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from support.composed import DEPLOY, filled, services

KUSTOMIZATION = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text("utf-8"))
VERSIONS = ("1.29", "1.33", "1.37")
"""The first with sidecars by default, one between, and the newest that the schemas are of."""

IMAGES = {image["name"]: image for image in KUSTOMIZATION["images"]}
SAME = {"roles": "roles", "migrate": "migrate", "grants": "grants", "opa": "opa", "mlflow": "mlflow"}
"""Which container runs what which service of the Compose file runs."""


def documents() -> Iterator[dict[str, Any]]:
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((DEPLOY / name).read_text("utf-8"))


DOCUMENTS = {f"{found['kind']}/{found['metadata']['name']}": found for found in documents()}
TEMPLATES = {
    name: found["spec"]["template"] for name, found in DOCUMENTS.items() if "template" in found.get("spec", {})
}
PODS = {name: template["spec"] for name, template in TEMPLATES.items()}
CONTAINERS = {
    container["name"]: (pod, container)
    for pod in PODS.values()
    for container in [*pod.get("initContainers", []), *pod["containers"]]
}


def said(text: str) -> str:
    """A value of the Compose file, with each variable as its name."""
    names = set(re.findall(r"\$\{([A-Z_]+)", text))
    return filled(text, {name: f"<{name}>" for name in names})


def given(container: dict[str, Any]) -> dict[str, str]:
    """The environment of a container, with each secret and setting as its name."""
    found: dict[str, str] = {}
    for entry in container.get("env", []):
        if "value" in entry:
            found[entry["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found[match[1]], entry["value"])
        else:
            (source,) = entry["valueFrom"].values()
            found[entry["name"]] = f"<{source['key']}>"
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_fits_the_schemas_of_kubernetes(name: str, version: str) -> None:
    kubernetes_validate.validate(DOCUMENTS[name], version, strict=True)


def test_what_does_not_fit_is_seen() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**DOCUMENTS["Service/mlflow"], "specs": {}}, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", PODS)
def test_no_pod_has_rights(name: str) -> None:
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_container_has_rights(name: str) -> None:
    _, container = CONTAINERS[name]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", CONTAINERS)
def test_everything_it_mounts_is_a_volume_of_its_pod(name: str) -> None:
    pod, container = CONTAINERS[name]
    volumes = {volume["name"] for volume in pod["volumes"]}
    claimed = DOCUMENTS["StatefulSet/postgres"]["spec"]["volumeClaimTemplates"]
    volumes |= {claim["metadata"]["name"] for claim in claimed} if name == "postgres" else set()
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes


@pytest.mark.parametrize(("name", "service"), SAME.items())
def test_it_runs_what_the_compose_file_runs(name: str, service: str) -> None:
    _, container = CONTAINERS[name]
    composed = services()[service]
    command = [filled(part, {}) for part in composed["command"]]
    if name == "opa":
        # Here it listens on the loopback of the pod, and the kubelet asks for its health.
        command = [part.replace("--addr=0.0.0.0", "--addr=127.0.0.1") for part in command]
        command = [part.replace("--diagnostic-addr=127.0.0.1", "--diagnostic-addr=0.0.0.0") for part in command]
    assert [*container.get("command", []), *container.get("args", [])] == command
    wanted = {key: said(str(value)) for key, value in composed.get("environment", {}).items()}
    if name == "mlflow":
        wanted |= {"QAQPA_LOG_KEY": "/run/qaqpa/gate.key", "QAQPA_OPA_URL": "http://127.0.0.1:8181"}
    assert {key: value for key, value in given(container).items() if not key.startswith("DB_")} == {
        key: value for key, value in wanted.items() if not key.startswith("DB_")
    }


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_image_has_a_version_of_the_compose_file(name: str) -> None:
    image = IMAGES[CONTAINERS[name][1]["image"]]
    pinned = {service["image"].rpartition("/")[2] for service in services().values()}
    assert f"{image['name'].rpartition('/')[2]}:{image['newTag']}" in pinned


def test_the_key_s_file_is_one_that_only_its_owner_reads() -> None:
    _, prepare = CONTAINERS["prepare"]
    assert "install -m 0600 /secret/gate.key /run/qaqpa/gate.key" in prepare["command"][-1]
    volumes = {volume["name"]: volume for volume in CONTAINERS["mlflow"][0]["volumes"]}
    assert volumes["key"]["emptyDir"]["medium"] == "Memory"
    assert {mount["name"] for mount in CONTAINERS["mlflow"][1]["volumeMounts"]}.isdisjoint({"gate-key", "bundle"})


def test_no_secret_stands_in_the_files() -> None:
    assert not [name for name in DOCUMENTS if name.startswith("Secret/")]
    for name, (_, container) in CONTAINERS.items():
        for entry in container.get("env", []):
            if re.search("PASSWORD|SECRET", entry["name"]):
                assert "secretKeyRef" in entry["valueFrom"], f"{name}: {entry['name']}"
            for login in re.findall(r"://([^@/]*)@", entry.get("value", "")):
                assert re.fullmatch(r"\$\(DB_[A-Z]+_PASSWORD\)", login.partition(":")[2])


def test_the_server_can_read_no_secret_of_the_owner() -> None:
    knowing = {
        name: {
            source["valueFrom"]["secretKeyRef"]["name"]
            for source in container.get("env", [])
            if "secretKeyRef" in source.get("valueFrom", {})
        }
        for name, (_, container) in CONTAINERS.items()
    }
    assert knowing["mlflow"] == {"qaqpa-server"}
    assert knowing["opa"] == set()


def test_configuration_maps_name_files_that_there_are() -> None:
    maps = {found["name"]: found["files"] for found in KUSTOMIZATION["configMapGenerator"]}
    assert all((DEPLOY / file).is_file() for files in maps.values() for file in files)
    used = {volume["configMap"]["name"] for pod in PODS.values() for volume in pod["volumes"] if "configMap" in volume}
    assert used == {*maps, "qaqpa-parties"}
    assert {"names.sql", "roles.sql", "grants.sql"} == {file.rpartition("/")[2] for file in maps["qaqpa-sql"]}


def test_only_the_proxy_reaches_mlflow_and_only_mlflow_reaches_the_database() -> None:
    policies = {name: found["spec"] for name, found in DOCUMENTS.items() if found["kind"] == "NetworkPolicy"}
    assert policies["NetworkPolicy/nothing-unless-named"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    reached = {
        spec["podSelector"]["matchLabels"]["app"]: spec["ingress"] for spec in policies.values() if "ingress" in spec
    }
    assert set(reached) == {"mlflow", "postgres"}
    (proxy,) = reached["mlflow"][0]["from"]
    # Both in one entry: pods of that kind in that namespace, not either.
    assert set(proxy) == {"namespaceSelector", "podSelector"}
    assert [port["port"] for port in reached["mlflow"][0]["ports"]] == [5000]
    callers = [caller["podSelector"]["matchLabels"]["app"] for caller in reached["postgres"][0]["from"]]
    assert callers == ["mlflow", "qaqpa-database"]
    for spec in policies.values():
        for rule in spec.get("egress", []):
            assert {port["port"] for port in rule["ports"]} in ({5432}, {53})


def test_the_labels_of_the_policies_are_those_of_the_pods() -> None:
    labels = {template["metadata"]["labels"]["app"] for template in TEMPLATES.values()}
    assert labels == {"mlflow", "postgres", "qaqpa-database"}
    for name in ("Service/mlflow", "Service/postgres"):
        assert DOCUMENTS[name]["spec"]["selector"]["app"] in labels


EXAMPLES = {"qaqpa-server": "server.env", "qaqpa-settings": "settings.env"}
"""Which sample is made into which secret or configuration map."""


def sample(name: str) -> dict[str, str]:
    """The settings of a sample, as kubectl reads them."""
    lines = (DEPLOY / "kubernetes" / f"{name}.example").read_text("utf-8").splitlines()
    read = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert [key for key, is_set, _ in read if not is_set] == []
    return {key: value for key, _, value in read}


@pytest.mark.parametrize(("source", "name"), EXAMPLES.items())
def test_the_samples_hold_what_the_manifests_take_and_nothing_else(source: str, name: str) -> None:
    taken = {
        reference["key"]
        for _, container in CONTAINERS.values()
        for entry in container.get("env", [])
        for reference in entry.get("valueFrom", {}).values()
        if reference["name"] == source
    }
    assert sample(name).keys() == taken
    kind = "secret generic" if source == "qaqpa-server" else "configmap"
    command = f"create {kind} {source} --from-env-file={name}"
    assert command in (DEPLOY / "kubernetes" / f"{name}.example").read_text("utf-8")
    assert command in (DEPLOY.parent / "docs" / "guides" / "deploy.md").read_text("utf-8")


def test_no_sample_holds_a_secret() -> None:
    assert set(sample("server.env").values()) == {""}
    assert re.fullmatch(r"[a-z.]+", sample("settings.env")["MLFLOW_HOSTS"])


def test_every_secret_and_map_that_is_taken_is_made_in_the_guide() -> None:
    guide = (DEPLOY.parent / "docs" / "guides" / "deploy.md").read_text("utf-8")
    taken = {
        reference["name"]
        for _, container in CONTAINERS.values()
        for entry in container.get("env", [])
        for reference in entry.get("valueFrom", {}).values()
    }
    assert taken == {"qaqpa-server", "qaqpa-settings", "qaqpa-owner", "qaqpa-superuser"}
    assert not [name for name in taken if not re.search(rf"create (secret generic|configmap) {name} ", guide)]
