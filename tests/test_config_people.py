# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from qaqpa.config import Config, TrustedProxy, load_config
from qaqpa.errors import UsageError
from qaqpa.record.log.settings import recorded


def configured(tmp_path: Path, proxy: str) -> Config:
    file = tmp_path / "qaqpa.yaml"
    file.write_text(f"version: 1\nidentity:\n  proxy: {proxy}\n")
    return load_config(file)


def test_nobody_is_believed_by_default(tmp_path: Path) -> None:
    file = tmp_path / "qaqpa.yaml"
    file.write_text("version: 1\n")
    assert load_config(file).proxy is None


def test_a_proxy_is_read_shown_and_recorded(tmp_path: Path) -> None:
    config = configured(tmp_path, "{header: X-Forwarded-User, from: [10.0.0.7, 'fd00::/64']}")
    networks = (ip_network("10.0.0.7/32"), ip_network("fd00::/64"))
    assert config.proxy == TrustedProxy("X-Forwarded-User", networks)
    shown = {name: value for name, value, _ in config.sources}
    assert shown["identity"] == "proxy (header X-Forwarded-User, from (10.0.0.7, fd00::/64))"
    proxy = recorded(config)["proxy"]
    assert proxy == {"header": "X-Forwarded-User", "networks": ["10.0.0.7/32", "fd00::/64"]}


@pytest.mark.parametrize(
    "header",
    [
        "Authorization",
        "host",
        "X-Forwarded-For",
        "Sec-User",
        "X-MLflow-Assistant-Delegation",
        "X_User",
        "",
        "-",
        "X User",
    ],
)
def test_a_header_that_clients_write_themselves_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(UsageError, match=r"qaqpa\.yaml:3:\d+: .*[Hh]eader"):
        configured(tmp_path, f"{{header: '{header}', from: [10.0.0.7]}}")


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "10.0.0.7/8", "10.0.0", "localhost", "*", "''", "unix", "10.0.0.7:80"]
)
def test_what_is_no_network_or_means_everybody_is_refused(tmp_path: Path, network: str) -> None:
    with pytest.raises(UsageError, match=r"qaqpa\.yaml:3:\d+: "):
        configured(tmp_path, f"{{header: X-User, from: [10.0.0.7, '{network}']}}")


@pytest.mark.parametrize(
    "proxy", ["{}", "{header: X-User}", "{from: [10.0.0.7]}", "{header: X-User, from: []}", "none"]
)
def test_a_header_without_an_address_is_refused(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(UsageError, match=r"qaqpa\.yaml:3:"):
        configured(tmp_path, proxy)
