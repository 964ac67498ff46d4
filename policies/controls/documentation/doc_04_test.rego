package qaqpa.controls.doc_04_test

import data.qaqpa.controls.doc_04
import data.qaqpa.fixtures_test as fixtures

_good := {
	"role": "provider",
	"qms": fixtures.document,
	"conformity_procedure": "annex_vii",
	"notified_body_id": "0000",
	"declaration": fixtures.document,
	"ce_marking": true,
	"database_registration_id": "R-1",
}

_context := {"jurisdictions": ["EU"], "eu_class": "high_risk_annex_iii", "public_sector": false}

_said(context, record) := said if {
	found := doc_04.violation with input as fixtures.request(context, "eu_conformity", record)
	said := fixtures.said(found)
}

_with(change) := _said(_context, object.union(_good, change))

_without(field) := _said(_context, object.remove(_good, [field]))

_not_applicable(context) := fields if {
	fields := doc_04.not_applicable_because with input as fixtures.request(context, "eu_conformity", _good)
}

_worst(bad) := facts if {
	worse := object.union(fixtures.fact(object.union(_good, bad)), {"id": "e2"})
	facts := {"evidence": {"eu_conformity": [fixtures.fact(_good), worse]}}
}

_public := object.union(_context, {"public_sector": true})

_role(role, without) := object.union(object.remove(_good, without), {"role": role})

test_passes if {
	_said(_context, _good) == set()
	_said({}, _good) == set()
	every procedure in ["annex_vi", "sectoral"] {
		record := object.union(object.remove(_good, ["notified_body_id"]), {"conformity_procedure": procedure})
		_said(_context, record) == set()
	}
}

test_not_applicable_only_when_the_context_says_so if {
	_not_applicable({"jurisdictions": ["KZ", "OTHER"]}) == {"jurisdictions"}
	_not_applicable({"jurisdictions": ["EU", "KZ"]}) == set()
	_not_applicable({"jurisdictions": ["MARS"]}) == set()
	every class in ["transparency", "minimal", "not_applicable"] {
		_not_applicable({"eu_class": class}) == {"eu_class"}
		_not_applicable({"jurisdictions": ["KZ"], "eu_class": class}) == {"eu_class", "jurisdictions"}
	}
	every class in ["high_risk_annex_i", "high_risk_annex_iii", "prohibited", "something", null] {
		_not_applicable({"eu_class": class}) == set()
	}
	_not_applicable({}) == set()
}

test_provider if {
	_without("qms") == {"deny qms_missing"}
	_without("conformity_procedure") == {"deny procedure_missing"}
	_with({"conformity_procedure": "none"}) == {"deny procedure_missing"}
	_without("notified_body_id") == {"deny notified_body_missing"}
	_without("declaration") == {"deny declaration_missing"}
	_with({"declaration": {"sha256": ""}}) == {"deny declaration_missing"}
	_without("ce_marking") == {"deny ce_marking_missing"}
	_with({"ce_marking": false}) == {"deny ce_marking_missing"}
	_without("database_registration_id") == {"deny registration_missing"}
	_with({"database_registration_id": " "}) == {"deny registration_missing"}
}

test_unknown_role_is_the_provider if {
	_said(_context, object.remove(_good, ["role", "qms"])) == {"deny qms_missing"}
	_said(_context, _role("owner", ["qms"])) == {"deny qms_missing"}
}

test_registration_by_class if {
	unregistered := object.remove(_good, ["database_registration_id"])
	every class in ["high_risk_annex_iii", "prohibited", "something"] {
		_said(object.union(_context, {"eu_class": class}), unregistered) == {"deny registration_missing"}
	}
	_said(object.union(_context, {"eu_class": "high_risk_annex_i"}), unregistered) == {"warn registration_unclear"}
	_said(object.union(_context, {"eu_class": "high_risk_annex_i"}), _good) == set()
}

test_deployer if {
	bare := {"role": "deployer"}
	_said(_context, bare) == set()
	_said(_public, bare) == {"deny used_unregistered"}
	_said({}, bare) == {"deny used_unregistered"}
	_said(_public, object.union(bare, {"database_registration_id": "R-1"})) == set()
	_said(_context, object.union(bare, {"conformity_procedure": "annex_vii"})) == {"deny notified_body_missing"}
}

test_importer_and_distributor if {
	every role in ["importer", "distributor"] {
		_said(_public, {"role": role}) == {"warn declaration_missing", "warn ce_marking_missing"}
		_said(_public, _role(role, ["qms", "database_registration_id"])) == set()
	}
}

test_worst_of_several_facts_counts if {
	found := doc_04.violation with input as object.union(fixtures.empty_request, _worst({"ce_marking": false}))
	{violation.evidence | some violation in found} == {"e2"}
}
