"""The processes that run lessons for a server."""

import psutil

RUNNER = "quart_app.lab.runner"


def runners(parent: int) -> list[psutil.Process]:
    """Return the processes that run lessons for the process of an id."""
    found = []
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE and any(RUNNER in word for word in child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            pass
    return found
