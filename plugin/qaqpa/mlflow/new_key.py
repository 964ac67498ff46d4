# SPDX-License-Identifier: Apache-2.0
"""Says that a server signs the decision log with a key that signed none of its last rows."""

from __future__ import annotations

from qaqpa.escape import visible
from qaqpa.mlflow.denial import log
from qaqpa.model import JsonObject
from qaqpa.record.log.decisions import DecisionLog
from qaqpa.record.log.signers import signers

_NEW = (
    "qaqpa: A NEW KEY signs the decision log: %s signed none of its last %d rows; %s did. %s `qaqpa log verify` needs "
    "the public keys of both."
)
_UNANNOUNCED = "No row announces it: if nobody replaced the key, find out who did, and put the old one back."


def said_of_key(kept_in: DecisionLog) -> JsonObject:
    """What the row of a start says of a key that is new in this log; the server's own log says it too.

    Args:
        kept_in: the log, before that row.

    Raises:
        LogError: the log cannot be used.
    """
    # A log without rows begins with one of this key.
    kept_in.append(())
    found = signers(kept_in.database, kept_in.public_key, until_own=True)
    if not found.is_new:
        return {}
    before = [name for name, _ in found.others]
    # Whoever owns the database can write such a row as well: `qaqpa log verify` tells.
    announced = f"Row {found.announced} announces it." if found.announced else _UNANNOUNCED
    event = {"event": "log_key_new", "key": kept_in.key_id, "before": before, "announced": found.announced}
    log.warning(_NEW, kept_in.key_id, found.read, visible(found.told, 1000), announced, extra={"qaqpa": event})
    return {"keys_before": before, "announced": found.announced}
