# METADATA
# title: Automation at its strictest
# description: |
#   Whether a decision is taken without a person, by the strictest of what the context and the evidence say. A context
#   that speaks of a person does not count where evidence says that nobody decides, or that whoever does can only
#   confirm.
package qaqpa.automation

import data.qaqpa.evidence
import data.qaqpa.fields

# METADATA
# description: |
#   True unless `level`, what the context says, and the evidence agree that a person decides. Rules hand in the level
#   themselves, so that the pages about the context name them among those that read it.
decides_alone(level) if not level in ["advisory", "human_in_the_loop"]

decides_alone(_) if {
	some record in evidence.judged("automated_decision")
	record.predicate.person_can_change_result == false
}

decides_alone(_) if {
	some flow in evidence.judged("decision_flow")
	fields.text(flow.predicate, "automation_level") == "fully_automated"
}
