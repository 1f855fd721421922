"""`python -m tests.cluster.anew serve …`: the tests' server, begun anew, lest what LD_PRELOAD names comes too late."""

import os
import sys

if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, "-m", "tests.checked_server", *sys.argv[1:]])
