# SPDX-License-Identifier: Apache-2.0
"""The policy that keeps people out of OPA's own decision log. It decides nothing, and is in no bundle of ours."""

from __future__ import annotations

from pathlib import Path

MASK: Path = Path(__file__).with_name("masking") / "mask.rego"
"""Rego for OPA's `system.log.mask`; `qaqpa policy mask` prints it."""
