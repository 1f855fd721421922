"""Hypercorn in this process: its loop, its sockets, its certificate, the check at start, the way out."""
