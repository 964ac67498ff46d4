# METADATA
# title: Automation at its strictest
# description: |
#   Whether a decision is taken without a person, by the strictest of what the context and the evidence say. A context
#   that speaks of a person does not count where evidence says that nobody decides, or that whoever does can only confirm.
package qaqpa.automation

import data.qaqpa.context
import data.qaqpa.evidence
import data.qaqpa.fields

# METADATA
# description: True unless context and evidence agree that a person decides.
decides_alone if context.automation == "fully_automated"

decides_alone if {
	some record in evidence.judged("automated_decision")
	record.predicate.person_can_change_result == false
}

decides_alone if {
	some flow in evidence.judged("decision_flow")
	fields.text(flow.predicate, "automation_level") == "fully_automated"
}
