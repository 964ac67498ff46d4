# SPDX-License-Identifier: Apache-2.0
"""The decision log: an SQL table of signed rows, each of which names the one before it.

It needs SQLAlchemy, which comes with MLflow.
"""

import importlib.util

from qaqpa.errors import UsageError, with_extra

if importlib.util.find_spec("sqlalchemy") is None:
    raise UsageError("SQLAlchemy is not installed, so no decision log can be used", mend=with_extra("log"))
