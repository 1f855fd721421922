"""The benchmark: En Vivo beside the plain way, on the same machine, in the same run (`python -m tests.bench`)."""
