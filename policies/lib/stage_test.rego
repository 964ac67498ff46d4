package qaqpa.stage_test

import data.qaqpa.stage

test_stages_before_production if {
	every name in ["review", "staging"] {
		stage.production == false with input as {"stage": name}
	}
}

test_everything_else_is_production if {
	every request in [{"stage": "production"}, {"stage": "Review"}, {"stage": null}, {"stage": ["review"]}, {}, null] {
		stage.production == true with input as request
	}
}
