# SPDX-License-Identifier: Apache-2.0
"""Why a parties file is not in force."""

from __future__ import annotations

from datetime import datetime

import pytest

from qaqpa.config import PartiesSource
from qaqpa.evidence.trust import Trust, TrustError
from support.statements import NOW


def refused(source: PartiesSource, now: datetime = NOW) -> TrustError:
    """The error with which a parties file is refused."""
    with pytest.raises(TrustError) as caught:
        Trust(source).parties(now)
    return caught.value


def code(source: PartiesSource, now: datetime = NOW) -> str:
    """The code of that error."""
    return refused(source, now).code
