# METADATA
# title: ACC-02 Accountable release approval
# description: |
#   Named persons outside development approve exactly this release for a purpose that the model card does not rule out;
#   at high risk two of them, for the business and for compliance. Of a declared approval its text says who approved
#   and when; of a signed one, the signatures do.
package qaqpa.controls.acc_02

import data.qaqpa.context
import data.qaqpa.dates
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_approvals := evidence.judged("release_approval")

_functions := ["business_owner", "compliance"]

# METADATA
# description: Empty, for the control applies to every system.
not_applicable_because := set()

# METADATA
# description: What is wrong.
violation contains found if {
	some approval in _approvals
	count(_named(approval)) == 0
	found := violations.deny("approver_missing", approval, "approvers", [], "at least one")
}

violation contains found if {
	some approval in _approvals
	without := sort({_approver(entry) | some entry in _entries(approval); fields.text(entry, "post") == ""})
	count(without) > 0
	found := violations.warn("post_missing", approval, "approvers/post", without, "a post")
}

violation contains found if {
	some approval in _approvals
	count(fields.texts(approval.predicate, "authors")) == 0
	found := violations.deny("authors_missing", approval, "authors", [], "at least one")
}

# Whoever signs without being named as an approver vouches for the release too.
violation contains found if {
	some approval in _approvals
	authors := {fields.folded(author) | some author in fields.texts(approval.predicate, "authors")}
	own := _written(approval, authors)
	count(own) > 0
	found := violations.deny("approver_is_author", approval, "approvers", own, "nobody who developed the model")
}

violation contains found if {
	some approval in _approvals
	not _is_declared(approval)
	missing := sort([name | some name in _named(approval); not name in _signers(approval)])
	count(missing) > 0
	found := violations.deny("approver_not_signed", approval, "approvers", missing, "signed")
}

violation contains found if {
	some approval in _approvals
	not _is_declared(approval)
	count(_named(approval)) > 0
	count(_approving(approval) & _independent(approval)) == 0
	approvers := sort(_named(approval))
	found := violations.deny("approver_not_independent", approval, "approvers", approvers, "independent")
}

violation contains found if {
	context.high_risk
	some approval in _approvals
	approvers := count(_approving(approval))
	required := threshold.value("ACC-02", "approvers_high")
	not fields.reaches(approvers, required)
	found := violations.deny("approvers_few", approval, "approvers", approvers, required)
}

violation contains found if {
	context.high_risk
	some approval in _approvals
	lacking := [function | some function in _functions; count(_holders(approval, function)) == 0]
	count(lacking) > 0
	found := violations.deny("function_missing", approval, "approvers/function", lacking, _functions)
}

violation contains found if {
	context.high_risk
	some approval in _approvals
	both := _written(approval, _holders(approval, "business_owner") & _holders(approval, "compliance"))
	count(both) > 0
	found := violations.deny("functions_not_separate", approval, "approvers/function", both, "two persons")
}

violation contains found if {
	context.high_risk
	some approval in _approvals
	not _is_declared(approval)
	holders := _written(approval, _holders(approval, "compliance"))
	count(holders) > 0
	count(_holders(approval, "compliance") & _independent(approval)) == 0
	found := violations.deny("compliance_not_independent", approval, "approvers/function", holders, "independent")
}

violation contains found if {
	some approval in _approvals
	signed := _signed_on(approval)
	days := threshold.value("ACC-02", "max_age_days")
	not dates.within_days(signed, days)
	found := violations.deny("signed_out_of_date", approval, "signed_on", signed.text, days)
}

violation contains found if {
	some approval in _approvals
	signed := _signed_on(approval)
	signed.text != ""
	moments.before_training(signed)
	found := violations.deny("signed_before_training", approval, "signed_on", signed.text, moments.trained)
}

violation contains found if {
	some approval in _approvals
	fields.text(approval.predicate, "purpose") == ""
	found := violations.deny("purpose_missing", approval, "purpose", "", "a purpose")
}

# Where there is no model card there is nothing to compare with; another control asks for it.
violation contains found if {
	some approval in _approvals
	purpose := fields.text(approval.predicate, "purpose")
	purpose != ""
	some card in evidence.judged("model_card")
	some use in fields.texts(card.predicate, "out_of_scope_uses")
	fields.folded(use) == fields.folded(purpose)
	found := violations.deny("purpose_out_of_scope", approval, "purpose", purpose, "no use that the model card rules out")
}

_is_declared(approval) if approval.strength == "declared"

_entries(approval) := fields.list(approval.predicate, "approvers")

_approver(entry) := fields.text(entry, "approver")

# Who is named as an approver, as it is written.
_named(approval) := {name | some entry in _entries(approval); name := _approver(entry); name != ""}

# Nobody signed what is declared.
_signers(approval) := set() if {
	_is_declared(approval)
} else := {signer.id | some signer in fields.list(approval, "signers")}

# Persons are compared as they read: one person in two spellings is no second approver.
_approving(approval) := {fields.folded(name) | some name in _named(approval)}

_holders(approval, function) := {fields.folded(name) |
	some entry in _entries(approval)
	fields.text(entry, "function") == function
	name := _approver(entry)
	name != ""
}

_independent(approval) := {fields.folded(signer.id) |
	some signer in fields.list(approval, "signers")
	signer.independent == true
}

# Those of some persons who approve or sign, as it is written.
_written(approval, persons) := sort({name |
	some name in (_named(approval) | _signers(approval))
	fields.folded(name) in persons
})

# What the text says of signatures counts only where there are none.
_signed_on(approval) := fields.moment(approval.predicate, "signed_on") if {
	_is_declared(approval)
} else := fields.moment(approval, "issued_at")
