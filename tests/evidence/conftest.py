# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sites import Served, make_authority, served


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def site(authority: tuple[Path, Path]) -> Iterator[Served]:
    with served(authority) as site:
        yield site
