"""What Redis does in one step: the scripts, for Redis 6.2 or newer. KEYS[1] is the prefix of all keys.

The keys are `instance` (a name that is drawn whenever the data were lost), `run` (that of the counts), `seq` (as large
as every number given), `c:<topic>` (its count: `n`, which began after `f`), `v:<topic>` (its values by key, each as
`n at event`) and `s:<tag>` (the last batch of a node that was carried out). Presence has more of them.
"""

from typing import Final

from quart_app.realtime import limits


def with_limits(script: str) -> str:
    """Return a script with the limits in the place of their names."""
    for name, value in (
        ("COUNT_KEPT", round(1_000 * limits.COUNT_KEPT)),
        ("VALUE_KEPT", round(1_000 * limits.VALUE_KEPT)),
        ("STATE_KEYS", limits.STATE_KEYS),
        ("NODE_LEASE", round(1_000 * limits.NODE_LEASE)),
        ("SILENCE", round(1_000 * (limits.PROBE + limits.PROBE_DEADLINE))),
        ("AT_ONCE", limits.BUS_EVENTS),
    ):
        script = script.replace(name, str(value))
    return script


COUNTS: Final = """
local p = KEYS[1]
if redis.call('GET', p .. 'instance') ~= ARGV[1] then return redis.error_reply('OTHER these are other data') end
local seq = tonumber(redis.call('GET', p .. 'seq'))
local function counted(topic)
  local c = redis.call('HMGET', p .. 'c:' .. topic, 'n', 'f')
  return tonumber(c[1]), tonumber(c[2])
end
local function keep(topic, n, f)
  redis.call('HSET', p .. 'c:' .. topic, 'n', n, 'f', f)
  redis.call('PEXPIRE', p .. 'c:' .. topic, COUNT_KEPT)
end
"""

ARRAY: Final = """
local function array(n)
  if n < 16 then return string.char(144 + n) end
  if n < 65536 then return string.char(220, math.floor(n / 256), n % 256) end
  return string.char(221, math.floor(n / 16777216), math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
end
"""

HELLO: Final = with_limits("""
local p = KEYS[1]
if redis.call('SET', p .. 'instance', ARGV[1], 'NX') then
  redis.call('SET', p .. 'fresh', 1, 'PX', NODE_LEASE)
  redis.call('SET', p .. 'calm', 1, 'PX', NODE_LEASE)
end
redis.call('SET', p .. 'run', ARGV[2], 'NX')
local heard, seq = tonumber(ARGV[3]), tonumber(redis.call('GET', p .. 'seq') or '0')
if seq == 0 then
  local now = redis.call('TIME')
  seq = math.max(1, heard + 1000000, math.floor((now[1] - 1767225600) * 16000 + now[2] * 0.016))
end
if heard > seq then seq = heard end
redis.call('SET', p .. 'seq', seq)
local last = redis.call('GET', p .. 's:' .. ARGV[4]) or '0'
local fresh = redis.call('PTTL', p .. 'fresh')
return {redis.call('GET', p .. 'instance'), redis.call('GET', p .. 'run'), last, fresh}
""")
"""ARGV: instance and run, should there be none, the largest number heard, tag. Returns instance, run, last batch, and
for how much longer (ms) the instance is fresh, below 0 where it is not.

Where the data were lost, numbers go on far above those that anybody can have seen: those of a server that has counted
16,000 events a second since 2026."""

PUBLISH: Final = with_limits(
    COUNTS
    + """
local tag, serial, kind, lost, numbers, at = ARGV[2], ARGV[3], ARGV[4], {}, {}, 6
local function following(topic)
  local n, f = counted(topic)
  if not n then n, f = seq, seq end
  return n, f
end
for _ = 1, tonumber(ARGV[5]) do
  local topic, missing = ARGV[at], tonumber(ARGV[at + 1])
  local n, f = following(topic)
  seq, at = seq + missing, at + 2
  keep(topic, n + missing, f)
  lost[#lost + 1], lost[#lost + 2], lost[#lost + 3] = topic, f, n + missing
end
local events = ARGV[at]
for i = at + 1, #ARGV, 4 do
  local topic, key, time, body = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local n, f = following(topic)
  local wanted = true
  if key ~= '' then
    local values = p .. 'v:' .. topic
    local old = redis.call('HGET', values, key)
    if not old then
      wanted = redis.call('HLEN', values) < STATE_KEYS
    elseif kind == 'again' then
      wanted = tonumber(string.match(old, '^%d+ (%-?%d+) ')) < tonumber(time)
    end
    if wanted then
      redis.call('HSET', values, key, string.format('%d %s ', n + 1, time) .. body)
      redis.call('PEXPIRE', values, VALUE_KEPT)
    end
  end
  if wanted then
    seq = seq + 1
    keep(topic, n + 1, f)
    numbers[#numbers + 1], numbers[#numbers + 2] = f, n + 1
  else
    numbers[#numbers + 1], numbers[#numbers + 2] = 0, 0
  end
end
redis.call('SET', p .. 'seq', seq)
redis.call('SET', p .. 's:' .. tag, serial, 'PX', COUNT_KEPT)
local head = '\\152' .. cmsgpack.pack(1, tag, kind, seq, tonumber(serial), lost, numbers)
redis.call('PUBLISH', p .. 'bus', head .. events)
return serial
"""
)
"""ARGV: instance, tag, serial, `live` or `again`, how many losses; topic and number of each; the packed events and the
end of the message; of each event topic, key ('' unless it is a value), time and packed event.

What is published `again` is a value that was lost here; one that is not newer than that here is left out. What is left
out has the number 0."""

STOCK: Final = with_limits(
    COUNTS
    + ARRAY
    + """
local raised, found, topics = {}, {}, 0
for i = 5, #ARGV, 4 do
  local topic, what, first, number = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local n, f = counted(topic)
  if not n then
    n, f = seq, seq
    if number > first and (what == '' or number > seq) then
      n, f = number, first
      keep(topic, n, f)
    end
  elseif number > first and number > n then
    n, f = number, math.max(f, first)
    keep(topic, n, f)
    raised[#raised + 1], raised[#raised + 2], raised[#raised + 3] = topic, f, n
  end
  if what == 'shown' then
    n = n + 1
    keep(topic, n, f)
  end
  if n > seq then seq = n end
  found[#found + 1] = '\\148' .. cmsgpack.pack(topic, f, n)
  local values = {}
  if what ~= '' then values = redis.call('HGETALL', p .. 'v:' .. topic) end
  found[#found + 1] = array(#values / 2)
  for j = 2, #values, 2 do
    local _, last, n = string.find(values[j], '^(%d+) %-?%d+ ')
    found[#found + 1] = '\\146' .. cmsgpack.pack(tonumber(n)) .. string.sub(values[j], last + 1)
  end
  topics = topics + 1
end
redis.call('SET', p .. 'seq', seq)
if #raised > 0 then redis.call('PUBLISH', p .. 'bus', '\\149' .. cmsgpack.pack(1, ARGV[2], 'lost', seq, raised)) end
local head = '\\149' .. cmsgpack.pack(1, ARGV[2], 'found', tonumber(ARGV[4]))
redis.call('PUBLISH', ARGV[3], head .. array(topics) .. table.concat(found))
return topics
"""
)
"""ARGV: instance, tag, the node's channel, a number for the answer; of each topic its name, what it is (`''`, `state`,
or `shown` where its values may be newer than here), and its count as the node knows it.

A count that is higher there is taken over, unless nothing was counted; one that nobody has begins. The answer comes by
the node's channel, so that it has its place among what is published."""
