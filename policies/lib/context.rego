# METADATA
# title: The context at its strictest
# description: |
#   Every field of the context, with the strictest value where the field is unknown, absent or not one
#   of the values that the schema allows. Controls read the context here and never from the input, so
#   that nobody can switch a control off by leaving something out.
package qaqpa.context

# METADATA
# description: |
#   Does the system affect rights or freedoms of persons? A plain no is not enough: a decision with significant effect
#   affects rights by its meaning, and in the EU the duties that hang on it bind every system of high risk.
default affects_rights := true

affects_rights := false if {
	input.context.affects_rights == false
	not significant_decision
	not _high_risk_in_eu
}

_high_risk_in_eu if {
	"EU" in jurisdictions
	_high_in_eu
}

# METADATA
# description: Does it take part in decisions with legal or similarly significant effect?
default significant_decision := true

significant_decision := false if input.context.significant_decision == false

# METADATA
# description: Are personal data processed in training, testing or use?
default personal_data := true

personal_data := false if input.context.personal_data == false

# METADATA
# description: Are special categories of personal data processed?
default special_category := true

special_category := false if input.context.special_category == false

# METADATA
# description: Do persons deal with the system directly?
default interacts_with_persons := true

interacts_with_persons := false if input.context.interacts_with_persons == false

# METADATA
# description: Does it make synthetic content?
default synthetic_content := true

synthetic_content := false if input.context.synthetic_content == false

# METADATA
# description: Was it trained on data?
default trains_on_data := true

trains_on_data := false if input.context.trains_on_data == false

# METADATA
# description: Does it give persons a score, or put them into classes?
default scores_persons := true

scores_persons := false if input.context.scores_persons == false

# METADATA
# description: Is it used at a workplace, about or by the people who work there?
default workplace_use := true

workplace_use := false if input.context.workplace_use == false

# METADATA
# description: Is the operator a state body, or does the state adopt the system?
default public_sector := true

public_sector := false if input.context.public_sector == false

# METADATA
# description: How far decisions are taken without a person.
default automation := "fully_automated"

automation := level if {
	level := input.context.automation
	level in {"advisory", "human_in_the_loop"}
}

# METADATA
# description: Degree of risk in the sense of the law of Kazakhstan.
default kz_risk := "high"

kz_risk := degree if {
	degree := input.context.kz_risk
	degree in {"minimal", "medium"}
}

# METADATA
# description: Degree of autonomy in the sense of the law of Kazakhstan.
default kz_autonomy := "high"

kz_autonomy := degree if {
	degree := input.context.kz_autonomy
	degree in {"low", "medium"}
}

# METADATA
# description: Class of risk in the EU.
default eu_class := "high_risk_annex_iii"

eu_class := class if {
	class := input.context.eu_class
	class in {"prohibited", "high_risk_annex_i", "transparency", "minimal", "not_applicable"}
}

# METADATA
# description: |
#   True unless the system is shown to be of lower risk in Kazakhstan and in the EU. A prohibited class counts too: it
#   is stricter than high.
high_risk if kz_risk == "high"

high_risk if _high_in_eu

_high_in_eu if eu_class in {"high_risk_annex_i", "high_risk_annex_iii", "prohibited"}

# METADATA
# description: The field of use. Unknown means that no exception for a field of use applies.
default domain := "unknown"

domain := field if {
	field := input.context.domain
	field in _choices.domain
}

# METADATA
# description: Places whose law applies; all of them where unknown.
default jurisdictions := ["EU", "KZ"]

jurisdictions := places if {
	places := input.context.jurisdictions
	_are_places(places)
}

_are_places(places) if {
	is_array(places)
	count(places) > 0
	unknown := [place | some place in places; not place in {"EU", "KZ", "OTHER"}]
	count(unknown) == 0
}

# METADATA
# description: |
#   What the context says about a field, null where it says nothing: for comparing it with what others say, never for
#   deciding what applies.
said(field) := object.get(input, ["context", field], null)

# The values that schemas/evidence/system.json allows.
_choices := {
	"automation": {"advisory", "human_in_the_loop", "fully_automated"},
	"domain": {
		"credit_scoring", "insurance", "justice", "social_payments", "hr", "medical", "public_services", "law_enforcement",
		"forensic", "e_money", "ai_platform", "other",
	},
	"eu_class": {
		"prohibited", "high_risk_annex_i", "high_risk_annex_iii", "transparency", "minimal", "not_applicable",
	},
	"kz_autonomy": {"low", "medium", "high"},
	"kz_risk": {"minimal", "medium", "high"},
}

_yes_or_no := {
	"affects_rights", "claims_trusted_list", "interacts_with_persons", "personal_data", "public_sector", "scores_persons",
	"significant_decision", "special_category", "synthetic_content", "trains_on_data", "workplace_use",
}

# METADATA
# description: True when the schema allows a value for a field. What no condition rests on may be anything.
allows(field, value) if value in _choices[field]

allows(field, value) if {
	field in _yes_or_no
	is_boolean(value)
}

allows("jurisdictions", value) if _are_places(value)

allows(field, _) if {
	not field in _yes_or_no
	not field in object.keys(_choices)
	field != "jurisdictions"
}

# METADATA
# description: |
#   What the context says about a field as far as it counts, else null: the schema allows it, and the rest of the
#   context does not contradict it.
known(field) := value if {
	value := said(field)
	allows(field, value)
	not _contradicted(field)
} else := null

_contradicted("affects_rights") if {
	said("affects_rights") == false
	affects_rights
}

# By field and value the values that are stricter: what is asked for the one is asked for them too.
_stricter := {
	"automation": {
		"advisory": {"human_in_the_loop", "fully_automated"},
		"human_in_the_loop": {"fully_automated"},
	},
	"eu_class": {"high_risk_annex_i": {"prohibited"}, "high_risk_annex_iii": {"prohibited"}},
	"kz_autonomy": {"low": {"medium", "high"}, "medium": {"high"}},
	"kz_risk": {"minimal": {"medium", "high"}, "medium": {"high"}},
}

# METADATA
# description: True when one value of a field is stricter than another.
is_stricter(field, one, other) if one in _stricter[field][other]
