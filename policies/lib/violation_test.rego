package qaqpa.violation_test

import data.qaqpa.violation

_item := {"id": "e1"}

_rest := {"code": "bad", "evidence": "e1", "field": "f", "found": 1, "required": 2}

test_deny if violation.deny("bad", _item, "f", 1, 2) == object.union(_rest, {"level": "deny"})

test_warn if violation.warn("bad", _item, "f", 1, 2) == object.union(_rest, {"level": "warn"})
