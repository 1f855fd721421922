"""Peers that mean harm: what each may cost the server, and all others."""
