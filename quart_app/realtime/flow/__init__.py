"""The flow of events: from the log through relay and bus to the readers, at the head or catching up."""
