# METADATA
# title: AUD-02 Multidisciplinary commission
# description: |
#   A commission of several disciplines, most of its members independent, has said that the system is useful to
#   society. A profile may let it only warn where no state body is involved. Of a declared statement its text says who
#   the members are; of a signed one, those who signed it are.
package qaqpa.controls.aud_02

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.moments
import data.qaqpa.ratio
import data.qaqpa.threshold
import data.qaqpa.violation as violations

_commissions := evidence.judged("commission")

_disciplines := ["cultural_studies", "law", "philosophy", "political_science", "psychology", "sociology"]

_field_specialists := ["arts", "domain_specialist"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains field if {
	context.affects_rights == false
	context.kz_risk != "high"
	some field in ["affects_rights", "kz_risk"]
}

# METADATA
# description: What is wrong.
violation contains found if {
	some commission in _commissions
	not fields.has_document(commission.predicate, "order")
	found := violations.deny("order_missing", commission, "order", "", "uri, sha256")
}

violation contains found if {
	some commission in _commissions
	some field in ["appointed_by", "country"]
	fields.text(commission.predicate, field) == ""
	found := violations.deny(concat("_", [field, "missing"]), commission, field, "", "a text")
}

violation contains found if {
	some commission in _commissions
	lacking := fields.lacking(_covered(commission), _disciplines)
	count(lacking) > 0
	found := violations.deny("discipline_missing", commission, "members", lacking, _disciplines)
}

violation contains found if {
	some commission in _commissions
	lacking := fields.lacking(_covered(commission), _field_specialists)
	count(lacking) == count(_field_specialists)
	found := violations.deny("field_specialist_missing", commission, "members", [], _field_specialists)
}

violation contains found if {
	some commission in _commissions
	persons := count(_persons(commission))
	required := threshold.value("AUD-02", "min_persons")
	not fields.reaches(persons, required)
	found := violations.deny("members_few", commission, "members", persons, required)
}

violation contains found if {
	some commission in _commissions
	"" in _listed(commission)
	found := violations.deny("member_unnamed", commission, "members", "", "id")
}

violation contains found if {
	some commission in _commissions
	twice := sort([person | some person in _listed(commission); count(_entries(commission, person)) > 1])
	count(twice) > 0
	found := violations.deny("member_listed_twice", commission, "members", twice, "each person once")
}

violation contains found if {
	some commission in _commissions
	insiders := [person | some person in _persons(commission); _insider(commission, person)]
	members := count(_persons(commission))
	independent := count([person | some person in _persons(commission); not person in insiders])
	required := threshold.value("AUD-02", "independent_over_percent")
	not ratio.greater({"part": independent, "whole": members}, {"part": required, "whole": 100})
	counted := {"independent": independent, "insiders": count(insiders), "members": members}
	found := violations.deny("independent_not_majority", commission, "members", counted, required)
}

violation contains found if {
	some commission in _commissions
	fields.text(commission.predicate, "chair") == ""
	found := violations.deny("chair_missing", commission, "chair", "", "one of the members")
}

violation contains found if {
	some commission in _commissions
	chair := fields.text(commission.predicate, "chair")
	chair != ""
	_is_declared(commission)
	not chair in _persons(commission)
	found := violations.deny("chair_not_member", commission, "chair", chair, "one of the members")
}

violation contains found if {
	some commission in _commissions
	chair := fields.text(commission.predicate, "chair")
	chair != ""
	not _is_declared(commission)
	not chair in _persons(commission)
	found := violations.deny("chair_not_signed", commission, "chair", chair, "one of the signers")
}

violation contains found if {
	some commission in _commissions
	some signer in _signers(commission)
	signer.id == fields.text(commission.predicate, "chair")
	not "commission_chair" in fields.list(signer, "roles")
	found := violations.deny("chair_without_role", commission, "chair", signer.id, "commission_chair")
}

violation contains found if {
	some commission in _commissions
	chair := fields.text(commission.predicate, "chair")
	_insider(commission, chair)
	found := violations.deny("chair_not_independent", commission, "chair", chair, "independent")
}

violation contains found if {
	some commission in _commissions
	absent := [person | some person in fields.lacking(_persons(commission), _listed(commission)); person != ""]
	count(absent) > 0
	found := violations.deny("member_not_signed", commission, "members", absent, "a signature of each")
}

# What the text says of signatures counts only where there are none.
violation contains found if {
	some commission in _commissions
	_is_declared(commission)
	unsigned := sort([person | some person in _listed(commission); _unsigned(commission, person)])
	count(unsigned) > 0
	found := violations.deny("signature_missing", commission, "members", unsigned, "signed_on")
}

violation contains found if {
	some commission in _commissions
	_is_declared(commission)
	early := sort([person | some person in _listed(commission); _signed_in_future(commission, person)])
	count(early) > 0
	found := violations.deny("signed_in_future", commission, "members", early, input.now.text)
}

violation contains found if {
	some commission in _commissions
	benefit := fields.record_in(commission.predicate, "public_benefit")
	some field in ["statement", "reasons"]
	fields.text(benefit, field) == ""
	found := violations.deny("public_benefit_missing", commission, "public_benefit", "", "useful")
}

violation contains found if {
	some commission in _commissions
	benefit := fields.record_in(commission.predicate, "public_benefit")
	statement := fields.text(benefit, "statement")
	not statement in {"", "useful"}
	found := violations.deny("public_benefit_denied", commission, "public_benefit/statement", statement, "useful")
}

violation contains found if {
	some commission in _commissions
	decided := fields.moment(commission.predicate, "decided_on")
	not moments.reached(decided)
	found := violations.deny("decided_in_future", commission, "decided_on", decided.text, input.now.text)
}

violation contains found if {
	some commission in _commissions
	not is_array(object.get(commission.predicate, "dissents", null))
	found := violations.warn("dissents_missing", commission, "dissents", "", "a list")
}

violation contains found if {
	some commission in _commissions
	dissents := count(fields.texts(commission.predicate, "dissents"))
	dissents > 0
	found := violations.warn("dissents", commission, "dissents", dissents, 0)
}

_is_declared(commission) if commission.strength == "declared"

_members(commission) := fields.list(commission.predicate, "members")

# Nobody signed what is declared.
_signers(commission) := [] if {
	_is_declared(commission)
} else := fields.list(commission, "signers")

# The ids of the members in the text, each once.
_listed(commission) := sort({fields.text(member, "id") | some member in _members(commission)})

# The ids of those who are the commission, each once.
_persons(commission) := _listed(commission) if {
	_is_declared(commission)
} else := sort({signer.id | some signer in _signers(commission)})

_covered(commission) := [discipline |
	some person in _seated(commission)
	some discipline in fields.list(person, "disciplines")
]

_seated(commission) := _members(commission) if {
	_is_declared(commission)
} else := _signers(commission)

_entries(commission, person) := [member |
	some member in _members(commission)
	fields.text(member, "id") == person
]

# Whoever is listed twice is independent, and has signed, only if both entries say so.
_insider(commission, person) if {
	_is_declared(commission)
	some member in _entries(commission, person)
	object.get(member, "employer_is_owner", true) != false
}

_insider(commission, person) if {
	some signer in _signers(commission)
	signer.id == person
	object.get(signer, "independent", false) != true
}

_unsigned(commission, person) if {
	some member in _entries(commission, person)
	count(fields.record_in(member, "signed_on")) == 0
}

_signed_in_future(commission, person) if {
	some member in _entries(commission, person)
	count(fields.record_in(member, "signed_on")) > 0
	not moments.reached(member.signed_on)
}
