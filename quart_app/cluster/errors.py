"""The error of a cluster that cannot be."""


class ClusterError(RuntimeError):
    """The cluster cannot start; the message tells why, and what to do."""
