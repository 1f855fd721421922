"""Every size, interval and timeout of the engine, with its unit, in one place.

Nothing here is a setting: a setting is what an operator has a reason to change (see `config`).
"""

from typing import Final

from quart_app.wire import sizes

# Names and messages; the limits that clients hold to as well are defined in `wire.sizes`
TOPIC_NAME_CHARACTERS: Final = sizes.TOPIC_NAME_CHARACTERS
TOPICS_PER_CONNECTION: Final = sizes.TOPICS_PER_CONNECTION
KEY_CHARACTERS: Final = sizes.KEY_CHARACTERS
TYPE_CHARACTERS: Final = sizes.TYPE_CHARACTERS
INBOUND_MESSAGE_BYTES: Final = sizes.MESSAGE_BYTES
JSON_DEPTH: Final = sizes.JSON_DEPTH
POLL_WAIT: Final = sizes.POLL_WAIT
AGENT_CHARACTERS: Final = 200  # characters kept of the name that a client's program gives itself
LARGEST_ID: Final = 2**63 - 1  # the largest id that a row has in every database
PUBLISH_LIST: Final = 1_000  # messages in one POST /api/publish
WRONG_FIELDS: Final = 20  # wrong fields named in one refusal
FIELD_NAME_CHARACTERS: Final = 80  # characters of an unknown field's name in a refusal
REQUEST_BODY_BYTES: Final = 256 * 1024
FORM_BYTES: Final = 24 * 1024  # of a form: its fields take long to be told apart, and a token is the largest of them
BODY_TIMEOUT: Final = 30.0  # s in which a body has to come in

# A connection
INBOUND_RATE: Final = 1_000.0  # messages a second, sustained
INBOUND_BURST: Final = 2_000.0  # messages
IN_FLIGHT_COMMANDS: Final = 64  # commands of one connection that wait for their commit
REPLY_BACKLOG: Final = 1_024  # direct replies that a connection has not taken yet
CLOSE_HANDSHAKE: Final = 3.0  # s that the peer has to answer our close frame
CONNECTIONS: Final = 200_000
FRAMES_AT_ONCE: Final = 32  # frames that Hypercorn reads of one connection before others get their turn
SILENT_PER_ADDRESS: Final = 200  # connections of one address that have sent no whole request yet
HTTP2_FRAMES_RATE: Final = 2_000.0  # frames a second of one HTTP/2 connection, sustained
HTTP2_FRAMES_BURST: Final = 5_000.0  # frames
HTTP2_RESETS_RATE: Final = 10.0  # streams a second that one HTTP/2 connection may break off, sustained
HTTP2_RESETS_BURST: Final = 100.0  # streams: as many as it may have

# A user, beside the quotas that are settings
ACCOUNTS: Final = 50_000  # users whose use is remembered, beside those who hold something
QUOTA_BURST: Final = 10.0  # s of requests that may come at once
REPEATED_WITHIN: Final = 60.0  # s; a message that could be taken later only has failed
SIGN_INS: Final = 100  # sessions of one user that may begin at once; that each has ended is stored until it would have
SIGN_INS_RATE: Final = 0.1  # of these a second, after that
QUOTA_RETRY: Final = 5.0  # s before somebody who holds as much as they may is to try again

# The bus
TAIL_EVENTS: Final = 2_048  # events of one topic in memory
TAIL_BYTES: Final = 512 * 1024  # bytes of one topic's events in memory
TAILS_BYTES: Final = 256 * 1024 * 1024  # bytes of all topics' events in memory
BATCH_EVENTS: Final = 1_024  # events handed to a transport at once
BATCH_BYTES: Final = 256 * 1024  # bytes of a batch that all subscribers at the head share
OWN_BATCH_BYTES: Final = 64 * 1024  # bytes of a batch for one subscriber that was behind
PUSHED_BYTES: Final = 64 * 1024  # bytes that a peer may leave untaken before writing waits for it
DEFLATED_BYTES: Final = 256  # bytes; smaller messages are not worth compressing
DEFLATE_WINDOW_BITS: Final = 12  # 4 KiB to look back in: cheap to set up anew for each message
STATE_KEYS: Final = 1_000  # values of one state topic
STATE_BYTES: Final = 64 * 1024 * 1024  # bytes of the values of all open state topics together
STATE_KEPT: Final = 10.0  # s that a value nobody follows is kept, however many want its place
TOPICS_IN_MEMORY: Final = 20_000  # open ones; what these leave free, the program's own may have too
TOPICS_FOR_FOLLOWERS: Final = 5_000  # of these, that values which nobody follows cannot take
OWN_TOPICS: Final = 5_000  # more, which only the program's own topics can have
IDLE_TOPIC: Final = 120.0  # s without a subscriber before its tail is dropped
LOG_READ_FIRST: Final = 64  # events read from the log at first, each perhaps as large as a message may be
LOG_READ_EVENTS: Final = 512  # events read from the log at once, where they turn out to be small
CONCURRENT_LOG_READS: Final = 16  # reads of the log at once by subscriptions that catch up
TERMS: Final = 1_000  # starts of the program that a log's cursors can tell apart
RELAY_RETRY: Final = 1.0  # s before a log that could not be read is tried again
RELAY_HOLE: Final = 0.02  # s in which what another process has committed before may still come
RELAY_AHEAD: Final = 64  # commits that may wait for one before them
HEAD_POLL: Final = 1.0  # s between two looks at the head of a log that others write, beside what they tell
HEAD_POLL_AWAY: Final = 0.1  # s, where they cannot tell
TOPICS_COUNTED: Final = 40_000  # topics whose transient events are counted on, also where nobody follows them
SIGNAL_RING: Final = 4_096  # last transient events that nobody follows here
SIGNAL_RING_BYTES: Final = 8 * 1024 * 1024

# The backplane
BUS_EVENTS: Final = 256  # events in one message between nodes
BUS_BYTES: Final = 64 * 1024  # bytes of them, about; a commit that is larger is read from the log
BUS_COMMITS: Final = 256  # commits that wait to be told; more are found in the log
BUS_WAITING: Final = 4_096  # transient events that wait to be numbered; more are counted as lost
STOCK_TOPICS: Final = 50  # topics that are asked for at once
COUNT_KEPT: Final = 600.0  # s that a topic without transient events is still counted on
VALUE_KEPT: Final = 24 * 3600.0  # s that a value which nobody renews is kept for nodes that do not have it
PROBE: Final = 1.0  # s between two messages of a node to itself
PROBE_DEADLINE: Final = 2.0  # s in which an answer has to come
RECONNECT: Final = 0.25  # s before a lost line is opened again, at most
NODE_LEASE: Final = 5.0  # s that a node which says nothing counts as there
COUNTED: Final = 2**52  # what a cursor's counts stay below: nobody counts so far, and Redis counts exactly up to 2**53
TOPICS_LEFT: Final = 1_000  # topics of which it is remembered that everybody has left them
RESTORED: Final = 0.5  # s in which all nodes are back at a server that was away, and have told it who was there
ASK: Final = 1.0  # s in which another node has to answer a question
FORWARD: Final = 2.0  # s in which it has to have done what a client asked for
TAKING: Final = 0.1  # s between two looks for a connection that may be on its way from one node to another
MISSED_READ: Final = 1.0  # s between two looks at what other nodes have stored, while they cannot tell
ASKS_WAITING: Final = 1_000  # questions and answers that wait to be sent, and questions that are being answered
ANSWER_BYTES: Final = 1024 * 1024  # of one answer
MEETING: Final = 10.0  # s in which a node that starts has to find one of those that have the database open
RELAYED: Final = 10_000  # requests of Socket.IO clients that come by way of other nodes and are under way
ROWS_TOLD: Final = 1_000  # first rows of a sorted list in one answer
NAMES_TOLD: Final = 5_000  # names in one answer; of more only the first ones, or their number

# The writer
GROUP_UNITS: Final = 256  # units of work in one transaction
WAITING_UNITS: Final = 10_000
UNIT_TIMEOUT: Final = 10.0  # s a unit may take inside the transaction
UNIT_IDLE: Final = 2.5  # s without a statement; after 3 s PostgreSQL ends a session that is idle in a transaction
LEASE: Final = 6.0  # s that a lease holds without being renewed
LEASE_RENEWED: Final = 2.0  # s between two renewals
LEASE_MARGIN: Final = 1.0  # s before its end that a holder stops
READERS: Final = 1_000  # readers of the program's own whose place in the log is kept
WRITE_PATIENCE: Final = 10.0  # s that a change waits for a database that was lost
PROBE_REFUSED: Final = 1.0  # s between tries to store something, while the database refuses it
PROBE_IDLE: Final = 60.0  # s without a write after which a health check tries to store something
IDEMPOTENCY_KEPT: Final = 48 * 3600.0  # s; the contract promises at least 24 h
ANSWER_KEPT: Final = 32 * 1024  # bytes of an answer that is kept for its key
KEY_BYTES: Final = 300  # about what a key takes on the disk, beside its answer

# Retention
RETENTION_AGE: Final = 30 * 24 * 3600.0  # s
CLOCK_JUMP: Final = 60.0  # s that the clock may differ from the time that has passed before the operator is told
CLOCK_CATCHES_UP: Final = 2.0  # s that what is kept may age within one second
CLOCK_OVER_RESTART: Final = 24 * 3600.0  # s that what is kept may age while the program does not run
TRIM_INTERVAL: Final = 60.0  # s
TRIM_BATCH: Final = 5_000  # events deleted in one transaction

# Liveness
WHEEL_TICK: Final = 1 / 16  # s that a timer may be late; a power of two, so that times are exact in ticks
RINGS_AT_ONCE: Final = 256  # timers that go off in one turn of the loop
SSE_COMMENT: Final = 15.0  # s between comments on a silent stream (WHATWG HTML 9.2.7)
LINGER: Final = 5.0  # s a dropped connection stays present
FEED_LINGER: Final = 10.0  # s a feed goes on after its last subscriber
FEED_RETRY: Final = 5.0  # s before a feed that failed is tried again

# What administrators look at
PING_INTERVAL: Final = 5.0  # s between two measured round trips of a connection that is looked at
ADDRESSES_SHOWN: Final = 20  # addresses that have met a limit last
DOORS: Final = 50
DOOR_USERS_SHOWN: Final = 20  # users who are named of those who have come in by a door
DOOR_TOKEN_LIFETIME: Final = 7 * 24 * 3600  # s that a token lasts at most which is made for a door of a running server

# The laboratory in the browser
LAB_WAITING: Final = 32  # runs that wait for the process that makes them
LAB_RUNS: Final = 64  # last runs that are kept
LAB_RUN_TIME: Final = 30.0  # s after which a run is ended that takes no processor time
LAB_GIVEN_UP: Final = 0.5  # s that a run may go on which nobody waits for any more
LAB_IDLE: Final = 300.0  # s without a run after which the process ends
LAB_SEARCHES: Final = 2  # hunts and sweeps at once
LAB_SEARCHES_KEPT: Final = 20  # last hunts and sweeps whose result is kept
LAB_SEARCH_RETRY: Final = 5.0  # s until one of them may have ended

# The security log
SECURITY_FILE_BYTES: Final = 10 * 1024 * 1024  # bytes of one file
SECURITY_FILES: Final = 20  # files that are kept beside the one that is written
SECURITY_ALIKE: Final = 5  # lines about one address and one result in SECURITY_WINDOW; the others are counted
SECURITY_WINDOW: Final = 60.0  # s
SECURITY_KINDS: Final = 200  # addresses and results in SECURITY_WINDOW that are told apart
SECURITY_LINES_SHOWN: Final = 50  # last lines that administrators are shown

# Leaving
RESTART: Final = 0.7  # s from the end of one process until the next one listens
LEAVE_RATE: Final = 15_000.0  # clients a second that can be sent away
RETURN_RATE: Final = 5_000.0  # clients a second that are told to come back at the same time, at most
RETURN_SPREAD: Final = 2.0  # s over which the returns of clients are spread, at least
DRAIN_DEADLINE: Final = 4.0  # s from the first bye to the last forced close
DOOR_PATIENCE: Final = 1.0  # s that those who have come in by a door that is closed have to leave
LAST_WORDS: Final = 0.4  # s after its close frame in which the peer of a program that ends has to answer

# Those who publish keys, and those with whom people sign in
KEYS_PUBLISHED: Final = 50  # of one issuer that are kept
KEYS_UNKNOWN: Final = 100  # ids of keys that are looked for, or were not found
KEYS_RENEWED: Final = 3600.0  # s after which keys are fetched again
KEYS_RETRIED: Final = 60.0  # s before that is tried again where it failed and nobody asks for them
KEYS_PAUSE: Final = 2.0  # s between two tries, however many ask
PROVIDER_BYTES: Final = 256 * 1024  # of an answer of theirs
PROVIDER_TIMEOUT: Final = 5.0  # s until an answer of theirs is there as a whole
PROVIDER_EXCHANGES: Final = 16  # of codes for tokens at once
SIGNING_IN_PER_ADDRESS: Final = 64  # people of one address about whom a provider is being asked
SIGN_IN_TIME: Final = 600.0  # s that somebody may take to sign in
SESSION_TIME: Final = 12 * 3600.0  # s that the session lasts which they have then
