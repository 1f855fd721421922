"""Random weather for the engine: scenarios that nobody has thought of, and rules that must hold in all of them."""
