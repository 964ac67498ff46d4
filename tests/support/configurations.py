# SPDX-License-Identifier: Apache-2.0
"""Configuration files for tests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from qaqpa import times
from qaqpa.config import Config, load_config
from support.keyring import trusted

FULL = """\
version: 1
gates:
  - stage: production
    profiles: [article-baseline]
    models: [credit*]
    aliases: [live]
    mlflow_stages: [Production]
    names: ["prod.*"]
    minimum_strength: signed
  - stage: staging
    profiles: [article-baseline]
    mlflow_stages: [Staging]
engine: opa
opa: {url: "https://opa.example.org:8443", timeout_seconds: 0.5, token_file: secret/token, ca_file: /etc/ca.pem}
policy: own/policy
observe:
  - {models: ["legacy-*"], until: UNTIL}
thresholds:
  TRN-01: {max_age_days: 100}
artifact_roots: [models, /srv/models]
"""


def day(offset: int) -> str:
    return (times.now() + timedelta(days=offset)).date().isoformat()


def load(root: Path, text: str) -> Config:
    path = root / "qaqpa.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def parties_part(directory: Path) -> str:
    """Writes the parties file of the keyring into a directory, and gives the part of a configuration that names it."""
    source = trusted(directory, times.now())
    roots = "".join(f'\n    - "{root}"' for root in source.roots)
    return f"parties:\n  file: {source.file}\n  threshold: {source.threshold}\n  state: state\n  roots:{roots}\n"
