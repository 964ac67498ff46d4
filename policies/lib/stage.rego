# METADATA
# title: The stage
# description: Where the model is to go, as far as it changes what is asked.
package qaqpa.stage

# METADATA
# description: True unless the request names a stage before production. What is missing or unknown counts as production.
default production := true

production := false if input.stage in {"review", "staging"}
