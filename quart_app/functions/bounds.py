"""Every limit of functions of one's own, with its unit, in one place."""

from typing import Final

FUNCTIONS: Final = 200  # in one file
EVERY_LEAST: Final = 0.01  # s between two values of a feed
EVERY_MOST: Final = 86_400.0  # s
EVERY: Final = 1.0  # s between two values of a plain feed that names no interval
RATE: Final = 100.0  # messages a second that one function may publish, sustained
BURST: Final = 200.0  # messages
DEPTH: Final = 8  # reactions, one after another, that may lead to a message
CALL_TIMEOUT: Final = 30.0  # s that a call may take; what a generator waits for may take for ever
BLOCKED: Final = 0.1  # s that an async function may hold up the event loop
THREADS: Final = 32  # plain functions that run at once
REPEATS: Final = (0.5, 2.0)  # s before a reaction's second and third try of a message that it failed with
ENDING: Final = 2.0  # s that a reaction's call may go on when the server stops
PLACE_KEPT: Final = 0.1  # s between two times that a reaction's place is stored, at least
PLACE_IDLE: Final = 60.0  # s after which it is stored that a reaction has heard nothing
RETRY_LEAST: Final = 1.0  # s before a feed that failed is tried again; doubles each time
RETRY_MOST: Final = 30.0  # s
SAID_AGAIN: Final = 10.0  # s before the log repeats a line
WAITING_COMMANDS: Final = 1_000  # commands of one topic that wait for their turn
WAITING_OF_USER: Final = 250  # of these, that are one user's
CHECK_FILE: Final = 1.0  # s between two looks whether the file has changed
