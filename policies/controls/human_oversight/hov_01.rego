# METADATA
# title: HOV-01 A human takes the final decision
# description: |
#   In a decision with serious effect on a person the algorithm only helps; a person decides, and nothing becomes
#   final without that person. Some profiles let it decide alone where there is a ground for that; they leave out
#   `fully_automated` and keep `fully_automated_without_ground`, the others do it the other way round.
package qaqpa.controls.hov_01

import data.qaqpa.context
import data.qaqpa.controls.dpb_03
import data.qaqpa.evidence
import data.qaqpa.fields
import data.qaqpa.violation as violations

_flows := evidence.judged("decision_flow")

_with_a_person := ["advisory", "human_in_the_loop"]

# METADATA
# description: The fields of the context by which the control does not apply.
not_applicable_because contains "significant_decision" if context.significant_decision == false

# METADATA
# description: What is wrong.
violation contains found if {
	some flow in _flows
	some level in _alone(flow)
	found := violations.deny("fully_automated", flow, "automation_level", level, _with_a_person)
}

violation contains found if {
	some flow in _flows
	some level in _alone(flow)
	lacking := _lacking_ground(level)
	count(lacking) > 0
	value := {"level": level, "lacking": lacking}
	found := violations.deny("fully_automated_without_ground", flow, "automation_level", value, "DPB-03")
}

violation contains found if {
	some flow in _flows
	level := _level(flow)
	known := context.said("automation")
	known != null
	known != level
	found := violations.deny("automation_differs", flow, "automation_level", level, known)
}

violation contains found if {
	some flow in _flows
	_level(flow) in _with_a_person
	fields.text(flow.predicate, "final_decider_role") == ""
	found := violations.deny("final_decider_missing", flow, "final_decider_role", "", "a post")
}

violation contains found if {
	some flow in _flows
	_level(flow) in _with_a_person
	possible := object.get(flow.predicate, "auto_finalisation_possible", true)
	possible != false
	found := violations.deny("auto_finalisation_possible", flow, "auto_finalisation_possible", possible, false)
}

violation contains found if {
	some flow in _flows
	enforced_by := fields.text(flow.predicate, "human_step_enforced_by")
	enforced_by != "workflow"
	found := violations.warn("human_step_not_enforced", flow, "human_step_enforced_by", enforced_by, "workflow")
}

violation contains found if {
	some flow in _flows
	not fields.has_document(flow.predicate, "diagram")
	found := violations.warn("diagram_missing", flow, "diagram", "", "uri, sha256")
}

# What flow and context say of the automation, where that is not that a person decides.
_alone(flow) := [level |
	some level in [_level(flow), context.said("automation")]
	not level in [null, "advisory", "human_in_the_loop"]
]

# What stands between the flow and a ground, as a sorted array; a level that nobody knows has no ground.
_lacking_ground(level) := ["level_unknown"] if {
	level != "fully_automated"
} else := ["evidence_missing"] if {
	count(evidence.counted("automated_decision")) == 0
} else := sort({violation.code |
	some violation in dpb_03.violation
	violation.level != "warn"
})

_level(flow) := fields.text(flow.predicate, "automation_level")
