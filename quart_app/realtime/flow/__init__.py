"""How events travel: from the log through relay and bus to whoever stands at the head or catches up."""
