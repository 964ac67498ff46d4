# METADATA
# title: ACC-01 Role and liability matrix
# description: |
#   Everybody who answers for the system is named, with tasks and kinds of liability; one party answers for each task,
#   and somebody answers claims.
package qaqpa.controls.acc_01

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_matrices := evidence.judged("responsibility")

_state_body_roles := ["introduces", "none", "regulates"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some matrix in _matrices
	some role in ["developer", "organisation", "user"]
	not role in _roles(matrix)
	found := violations.deny("role_missing", matrix, "parties", role, "a party with a name")
}

violation contains found if {
	some matrix in _matrices
	supplied := object.get(matrix.predicate, "third_party_training_data", true)
	supplied != false
	not "data_supplier" in _roles(matrix)
	found := violations.deny("data_supplier_missing", matrix, "parties", supplied, "data_supplier")
}

violation contains found if {
	some matrix in _matrices
	role := fields.text(matrix.predicate, "state_body_role")
	not role in _state_body_roles
	found := violations.deny("state_body_role_missing", matrix, "state_body_role", role, _state_body_roles)
}

violation contains found if {
	some matrix in _matrices
	fields.text(matrix.predicate, "state_body_role") == "none"
	fields.text(matrix.predicate, "state_body_reason") == ""
	found := violations.deny("state_body_reason_missing", matrix, "state_body_reason", "", "a reason")
}

violation contains found if {
	some matrix in _matrices
	role := fields.text(matrix.predicate, "state_body_role")
	role in {"introduces", "regulates"}
	not "state_body" in _roles(matrix)
	found := violations.deny("state_body_missing", matrix, "parties", role, "state_body")
}

violation contains found if {
	some matrix in _matrices
	some party in _parties(matrix)
	named := [task | some entry in fields.list(party, "tasks"); task := _task(entry); task != ""]
	count(named) == 0
	found := violations.deny("tasks_missing", matrix, "parties/tasks", _label(party), "at least one")
}

violation contains found if {
	some matrix in _matrices
	some party in _parties(matrix)
	count(fields.texts(party, "liability")) == 0
	found := violations.deny("liability_missing", matrix, "parties/liability", _label(party), "at least one")
}

violation contains found if {
	some matrix in _matrices
	some task in _accountable_tasks(matrix)
	holders := sort({_holder(party) | some party in _parties(matrix); _accountable(party, task)})
	count(holders) > 1
	value := {"task": task, "parties": holders}
	found := violations.deny("task_accountable_twice", matrix, "parties/tasks", value, "one party")
}

violation contains found if {
	some matrix in _matrices
	held := _accountable_tasks(matrix)
	some task in _tasks(matrix)
	not task in held
	found := violations.warn("task_unaccountable", matrix, "parties/tasks", task, "one party")
}

violation contains found if {
	some matrix in _matrices
	fields.text(matrix.predicate, "redress_contact") == ""
	found := violations.deny("redress_contact_missing", matrix, "redress_contact", "", "a contact")
}

violation contains found if {
	context.kz_risk == "high"
	some matrix in _matrices
	not fields.has_document(matrix.predicate, "insurance")
	found := violations.warn("insurance_missing", matrix, "insurance", "", "uri, sha256")
}

violation contains found if {
	some matrix in _matrices
	approved := fields.moment(matrix.predicate, "approved_on")
	not moments.reached(approved)
	found := violations.deny("approved_in_future", matrix, "approved_on", approved.text, input.now.text)
}

violation contains found if {
	some matrix in _matrices
	approved := fields.moment(matrix.predicate, "approved_on")
	moments.reached(approved)
	days := threshold.value("ACC-01", "max_age_days")
	not dates.within_days(approved, days)
	found := violations.warn("approval_old", matrix, "approved_on", approved.text, days)
}

_parties(matrix) := fields.list(matrix.predicate, "parties")

# The roles that a party with a name holds.
_roles(matrix) := [fields.text(party, "role") |
	some party in _parties(matrix)
	fields.text(party, "legal_name") != ""
]

_label(party) := {"role": fields.text(party, "role"), "name": fields.text(party, "legal_name")}

# Tasks and names are compared as they read: without regard to case and blanks.
_task(entry) := fields.folded(fields.text(entry, "task"))

_holder(party) := fields.folded(fields.text(party, "legal_name"))

_tasks(matrix) := {task |
	some party in _parties(matrix)
	some entry in fields.list(party, "tasks")
	task := _task(entry)
	task != ""
}

_accountable_tasks(matrix) := {_task(entry) |
	some party in _parties(matrix)
	some entry in fields.list(party, "tasks")
	_answers(entry)
}

_accountable(party, task) if {
	some entry in fields.list(party, "tasks")
	_answers(entry)
	_task(entry) == task
}

# Only a plain false says that a party does not answer for a task.
_answers(entry) if object.get(entry, "accountable", true) != false
