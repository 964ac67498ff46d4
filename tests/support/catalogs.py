# SPDX-License-Identifier: Apache-2.0
"""A small catalog in which every kind of basis, date and level occurs, and compiled policies that hold it."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from qaqpa.policy.bundle import DATA, MANIFEST, WASM, Catalog
from qaqpa.resources import COMPILED

HOSTILE = "\x1b[31m<b>|`x`"


def _words(language: str, *names: str) -> dict[str, str]:
    return {name: f"{name} in {language}" for name in names}


def _card_texts(language: str, codes: list[str]) -> dict[str, Any]:
    return {
        **_words(language, "title", "applies", "requirement", "cannot_prove", "mend"),
        "decided": [f"first in {language}", f"second in {language}"],
        "violations": {code: f"{code} in {language}: {{found}}" for code in codes},
    }


_CODES = ["plain", "dated", "own_idea", "mild", "risky", "sometimes"]
_LANGUAGES = ("en", "kk", "ru")
DATA_OF_IT: dict[str, Any] = {
    "catalog": {
        "AAA-01": {
            "family": "transparency",
            "evidence": ["bias"],
            "actors": ["ml_engineer", "model_owner"],
            "minimum_strength": "independent",
            "waivable": False,
            "thresholds": {
                "days": {"value": 365, "tighter": "lower", "basis": "law"},
                "share": {"value": 80, "tighter": "higher", "basis": {"state": "law"}},
                "rest": {"value": 12000, "tighter": "lower", "basis": "product_default"},
            },
            "defaults": ["own_idea"],
            "provisions": [
                {"act": "act-a", "provision": "art-2", "strength": "statutory"},
                {
                    "act": "act-a",
                    "provision": "art-10",
                    "strength": "statutory",
                    "codes": ["dated"],
                    "when": {"public_sector": True},
                },
                {"act": "act-b", "provision": "p-1", "strength": "direct", "profiles": ["base"]},
            ],
            "texts": {language: _card_texts(language, _CODES) for language in _LANGUAGES},
        },
        "BBB-01": {
            "family": "own",
            "evidence": ["audit"],
            "actors": ["auditor"],
            "waivable": True,
            "thresholds": {},
            "provisions": [],
            "texts": {"en": {**_card_texts("en", ["bad"]), "title": HOSTILE, "decided": []}},
        },
    },
    "profiles": {
        "base": {
            "statutory": False,
            "acts": ["act-b"],
            "controls": {
                "AAA-01": {
                    "severity": "deny",
                    "warn_when": {"public_sector": False},
                    "without": ["mild"],
                    "parameters": {"attributes": ["sex", "age"]},
                }
            },
            "texts": {language: _words(language, "title", "description") for language in _LANGUAGES},
        },
        "soft": {
            "statutory": False,
            "controls": {"AAA-01": {"severity": "warn"}, "BBB-01": {"severity": "warn"}},
            "texts": {"en": _words("soft", "title", "description")},
        },
        "state": {
            "statutory": True,
            "acts": ["act-a"],
            "controls": {"AAA-01": {"severity": "deny", "basis": "statutory"}},
            "texts": {"en": _words("state", "title", "description")},
        },
    },
    "law": {
        "act-a": {
            "kind": "law",
            "jurisdiction": "KZ",
            "number": "7-I",
            "url": "https://example.org/a",
            "in_force": {"from": "2026-01-18"},
            "in_force_verification": "secondary",
            "amended_by": [{"number": "8-II"}, {"note": "Something."}],
            "texts": {language: _words(f"act {language}", "title", "short") for language in _LANGUAGES},
            "provisions": {
                "art-10": {
                    "verified": False,
                    "verification": "recalled",
                    "url": "https://example.org/a/10",
                    "applies": [{"from": "2028-08-02", "when": {"public_sector": False}}, {"from": "2027-12-02"}],
                    "applies_verification": "secondary",
                    "texts": {language: _words(f"tenth {language}", "locator", "title") for language in _LANGUAGES},
                },
                "art-2": {
                    "verified": True,
                    "verification": "primary",
                    "texts": {language: _words(f"second {language}", "locator", "title") for language in _LANGUAGES},
                },
                "art-3": {
                    "verified": True,
                    "verification": "official",
                    "in_force": {"until": "2026-06-30"},
                    "in_force_verification": "official",
                    "texts": {language: _words(f"third {language}", "locator", "title") for language in _LANGUAGES},
                },
            },
        },
        "act-b": {
            "kind": "article",
            "jurisdiction": "INT",
            "url": "",
            "texts": {"en": {"title": "B", "short": "b"}},
            "provisions": {
                "p-1": {"verified": True, "verification": "primary", "texts": {"en": {"locator": "1", "title": "One"}}}
            },
            "coverage": {
                "rows": [
                    {
                        "id": "1",
                        "kind": "principle",
                        "lines": "36",
                        "provision": "p-1",
                        "controls": ["AAA-01", "ZZZ-99"],
                        "texts": {
                            language: _words(f"row {language}", "item", "checked", "unchecked")
                            for language in _LANGUAGES
                        },
                    },
                    {
                        "id": "2",
                        "kind": "brand_new",
                        "lines": "37",
                        "provision": "",
                        "controls": [],
                        "texts": {"en": {"item": HOSTILE, "checked": "", "unchecked": "all"}},
                    },
                ],
                "sources": [
                    {
                        "id": "1",
                        "act": "act-a",
                        "controls": ["AAA-01"],
                        "verification": "secondary",
                        "texts": {
                            language: _words(f"source {language}", "source", "status", "use") for language in _LANGUAGES
                        },
                    },
                    {
                        "id": "2",
                        "act": "",
                        "controls": [],
                        "verification": "not_found",
                        "texts": {"en": _words("lost", "source", "status", "use")},
                    },
                ],
            },
        },
    },
}
LEVELS = {"AAA-01": {"mild": ["warn"], "risky": ["by_risk"], "sometimes": ["deny", "warn"]}, "BBB-01": {}}


def small_catalog() -> Catalog:
    """The catalog."""
    data = copy.deepcopy(DATA_OF_IT)
    return Catalog(data["catalog"], data["profiles"], data["law"], LEVELS)


def small_bundle(directory: Path) -> Path:
    """Compiled policies with this catalog beside the shipped rules, to be named in a configuration."""
    directory.mkdir()
    data = json.dumps({**DATA_OF_IT, "calendar": {}}).encode()
    (directory / DATA).write_bytes(data)
    shutil.copyfile(COMPILED / WASM, directory / WASM)
    manifest = json.loads((COMPILED / MANIFEST).read_bytes())
    manifest["sha256"][DATA] = hashlib.sha256(data).hexdigest()
    manifest["levels"] = LEVELS
    (directory / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return directory
