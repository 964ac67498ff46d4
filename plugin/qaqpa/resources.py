# SPDX-License-Identifier: Apache-2.0
"""Where the policies and schemas lie: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = _PACKAGE / "_data"
_ROOT = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent.parent

POLICIES: Path = _ROOT / "policies"
"""The Rego policies with their data."""

SCHEMAS: Path = _ROOT / "schemas"
"""The JSON Schemas."""

COMPILED: Path = _PACKAGE / "policy" / "compiled"
"""The policies compiled to WebAssembly, with their data and a manifest."""

TEMPLATES: Path = _PACKAGE / "cli" / "templates"
"""The files that `qaqpa new control` writes, to be filled in."""
