package qaqpa.violation_test

import data.qaqpa.violation

_item := {"id": "e1"}

_rest := {"code": "bad", "evidence": "e1", "field": "f", "found": 1, "required": 2}

test_deny if violation.deny("bad", _item, "f", 1, 2) == object.union(_rest, {"level": "deny"})

test_warn if violation.warn("bad", _item, "f", 1, 2) == object.union(_rest, {"level": "warn"})

test_by_risk if {
	denied := violation.by_risk("bad", _item, "f", 1, 2) with input as {}
	denied.level == "deny"
	warned := violation.by_risk("bad", _item, "f", 1, 2) with input.context as {"kz_risk": "medium", "eu_class": "minimal"}
	warned == object.union(_rest, {"level": "warn"})
}

test_asked_by if {
	violation.asked_by(_rest, ["kz"]) == object.union(_rest, {"only": ["kz"]})
}
