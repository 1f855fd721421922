"""What Redis does in one step about presence: who is where by way of which node, and which nodes there are.

The keys are `nodes` (who is there, and until when), `beat` (when one of them was heard last), `e:<tag>` (the entries of
a node: what tells that a user has left, by topic and user), `n:<topic>` (by user on how many nodes they are),
`p:<topic>` (by user since when they are there, and what is known of them), `w:<topic>` (up to which signal it has told
of somebody, `n`, and where its count began, `f`), `topics` (those in which somebody is), `calm` (while nobody is
buried) and `fresh` (while presence may be restored). An entry counts until its node takes it back, or is buried.

What tells that a user has left is stored without its time, as `length head tail`: the time stands after the head.
"""

from typing import Final

from quart_app.backplane.scripts import ARRAY, COUNTS, with_limits

_NODES: Final = (
    COUNTS
    + ARRAY
    + """
local tag, now = ARGV[2], redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local function appear(who, lease)
  local ends = tonumber(redis.call('ZSCORE', p .. 'nodes', who) or '0')
  if now - tonumber(redis.call('GET', p .. 'beat') or '0') > SILENCE then
    redis.call('SET', p .. 'calm', 1, 'PX', NODE_LEASE)
  end
  redis.call('SET', p .. 'beat', now)
  redis.call('ZADD', p .. 'nodes', now + lease, who)
  return ends <= now
end
"""
)

_CHANGES: Final = (
    _NODES
    + """
local counts, people, events = {}, {}, {}
local function tell(topic, user, person, event)
  local n, f = 0, 0
  if event then
    n, f = counted(topic)
    if not n then n, f = seq, seq end
    n, seq = n + 1, seq + 1
    keep(topic, n, f)
    redis.call('HSET', p .. 'w:' .. topic, 'n', n, 'f', f)
    redis.call('PERSIST', p .. 'w:' .. topic)
  end
  counts[#counts + 1], counts[#counts + 2] = f, n
  people[#people + 1] = '\\147' .. cmsgpack.pack(topic, user) .. person
  events[#events + 1] = event or '\\192'
end
local function come(who, topic, user, person, left)
  if redis.call('HSET', p .. 'e:' .. who, topic .. ' ' .. user, left) == 1 then
    redis.call('HINCRBY', p .. 'n:' .. topic, user, 1)
  end
  local before = redis.call('HGET', p .. 'p:' .. topic, user)
  local since, known = string.match(before or '', '^(%d+) (.*)$')
  if not since then
    redis.call('SADD', p .. 'topics', topic)
    seq = seq + 1
  end
  if known ~= person then
    redis.call('HSET', p .. 'p:' .. topic, user, string.format('%.0f ', since or seq) .. person)
  end
  return since ~= nil, known ~= person
end
local function leave(who, entry)
  local left = redis.call('HGET', p .. 'e:' .. who, entry)
  if not left then return end
  local topic, user = string.match(entry, '^(%S+) (.*)$')
  redis.call('HDEL', p .. 'e:' .. who, entry)
  if redis.call('HINCRBY', p .. 'n:' .. topic, user, -1) > 0 then return end
  redis.call('HDEL', p .. 'n:' .. topic, user)
  redis.call('HDEL', p .. 'p:' .. topic, user)
  return left, topic, user
end
local function leave_and_tell(who, entry, at)
  local left, topic, user = leave(who, entry)
  if not left then return end
  local _, last, length = string.find(left, '^(%d+) ')
  local tail = last + length + 1
  tell(topic, user, '\\194', string.sub(left, last + 1, tail - 1) .. cmsgpack.pack(at) .. string.sub(left, tail))
  if redis.call('EXISTS', p .. 'p:' .. topic) == 0 then
    redis.call('SREM', p .. 'topics', topic)
    redis.call('PEXPIRE', p .. 'w:' .. topic, COUNT_KEPT)
  end
end
local function say()
  redis.call('SET', p .. 'seq', seq)
  if #people == 0 then return end
  local head = '\\151' .. cmsgpack.pack(1, tag, 'moved', seq, counts)
  local moves = array(#people) .. table.concat(people) .. array(#events) .. table.concat(events)
  redis.call('PUBLISH', p .. 'bus', head .. moves)
end
"""
)

_EVERYBODY: Final = """
local function everybody(topic)
  local all = redis.call('HGETALL', p .. 'p:' .. topic)
  local found = {}
  for i = 1, #all, 2 do
    local _, last, since = string.find(all[i + 1], '^(%d+) ')
    found[#found + 1] = '\\147' .. cmsgpack.pack(all[i], tonumber(since)) .. string.sub(all[i + 1], last + 1)
  end
  local told = redis.call('HMGET', p .. 'w:' .. topic, 'f', 'n')
  local head = '\\148' .. cmsgpack.pack(topic, tonumber(told[1] or '0'), tonumber(told[2] or '0'))
  return head .. array(#found) .. table.concat(found)
end
local function publish(channel, kind, found)
  if #found == 0 then return end
  redis.call('PUBLISH', channel, '\\148' .. cmsgpack.pack(1, tag, kind) .. array(#found) .. table.concat(found))
end
"""

APPEAR: Final = with_limits(
    _NODES
    + """
appear(ARGV[3], ARGV[4])
return {redis.call('SMEMBERS', p .. 'topics'), redis.call('HGETALL', p .. 'e:' .. tag)}
"""
)
"""ARGV: instance, tag, who is here, for how long (ms). Returns the topics with somebody in them, and its entries."""

BEAT: Final = with_limits(
    _CHANGES
    + """
local lapsed, more = appear(ARGV[3], ARGV[5]), false
local gone = {}
if ARGV[7] == '1' and redis.call('EXISTS', p .. 'calm') == 0 then
  gone = redis.call('ZRANGEBYSCORE', p .. 'nodes', '-inf', now, 'LIMIT', 0, 50)
end
local buried = 0
for _, who in ipairs(gone) do
  local dead, cursor = string.match(who, '^%S+'), '0'
  repeat
    local some = redis.call('HSCAN', p .. 'e:' .. dead, cursor, 'COUNT', AT_ONCE)
    cursor = some[1]
    for i = 1, #some[2], 2 do
      leave_and_tell(dead, some[2][i], tonumber(ARGV[6]))
      buried = buried + 1
    end
  until cursor == '0' or buried >= AT_ONCE
  if redis.call('EXISTS', p .. 'e:' .. dead) == 0 then
    redis.call('ZREM', p .. 'nodes', who)
  else
    more = true
  end
  if buried >= AT_ONCE then
    more = true
    break
  end
end
say()
redis.call('PUBLISH', ARGV[4], '\\147' .. cmsgpack.pack(1, '', 'probe'))
return {lapsed, more, redis.call('ZRANGE', p .. 'nodes', 0, -1)}
"""
)
"""ARGV: instance, tag, who is here, its channel, for how long (ms), the time (ms since the Unix epoch), whether to bury
(1 or 0).

Who was not heard of for too long is buried: whom only they had leaves. Where nobody was heard of, the server itself was
away, and they get the time to come back. Returns whether the caller itself counts as gone since it was heard last,
whether more are to be buried, and who is here. The probe comes back by the channel."""

RETIRE: Final = with_limits(
    _NODES
    + """
if redis.call('ZREM', p .. 'nodes', ARGV[3]) == 1 then
  redis.call('ZADD', p .. 'nodes', now + ARGV[4], tag)
end
"""
)
"""ARGV: instance, tag, who is here no longer, for how long (ms) its users are. Only its tag is left, without a name."""

MOVE: Final = with_limits(
    _CHANGES
    + """
if not redis.call('ZSCORE', p .. 'nodes', ARGV[3]) then return 0 end
for i = 5, #ARGV, 5 do
  local topic, user, person, left, joined = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if person == '' then
    leave_and_tell(tag, topic .. ' ' .. user, tonumber(ARGV[4]))
  else
    local was_here, changed = come(tag, topic, user, person, left)
    if not was_here then
      tell(topic, user, person, joined)
    elseif changed then
      tell(topic, user, person, nil)
    end
  end
end
say()
return 1
"""
)
"""ARGV: instance, tag, who is here, the time (ms since the Unix epoch); of each change topic, user, what is known
of them ('' where they leave), what tells that they have left, and that they have joined. Returns 0, and does nothing,
where the node was buried."""

PRESENT: Final = with_limits(
    _NODES
    + _EVERYBODY
    + """
local found = {}
for i = 4, #ARGV do found[#found + 1] = everybody(ARGV[i]) end
publish(ARGV[3], 'present', found)
"""
)
"""ARGV: instance, tag, the node's channel, topics. Who is there comes by the channel, so that it has its place among
what is published."""

RESTORE: Final = with_limits(
    _CHANGES
    + _EVERYBODY
    + """
local fresh, found, i = redis.call('PTTL', p .. 'fresh'), {}, 3
while fresh > 0 and i <= #ARGV do
  local topic, first, told, there = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  local known, former = redis.call('HGET', p .. 'w:' .. topic, 'n'), '~' .. topic
  if not known or tonumber(known) < tonumber(told) then
    for _, entry in ipairs(redis.call('HKEYS', p .. 'e:' .. former)) do leave(former, entry) end
    for j = i + 4, i + 1 + 3 * there, 3 do come(former, topic, ARGV[j], ARGV[j + 1], ARGV[j + 2]) end
    redis.call('HSET', p .. 'w:' .. topic, 'n', told, 'f', first)
    redis.call('PERSIST', p .. 'w:' .. topic)
    if there > 0 then
      redis.call('ZADD', p .. 'nodes', now + fresh, former)
    elseif redis.call('EXISTS', p .. 'p:' .. topic) == 0 then
      redis.call('SREM', p .. 'topics', topic)
      redis.call('PEXPIRE', p .. 'w:' .. topic, COUNT_KEPT)
    end
    found[#found + 1] = everybody(topic)
  end
  i = i + 4 + 3 * there
end
redis.call('SET', p .. 'seq', seq)
publish(p .. 'bus', 'restored', found)
"""
)
"""ARGV: instance, tag; of each topic its name, where its count began, up to which signal it has told of somebody, and
how many are there; of each of them the user, what is known of them, and what tells that they have left.

Where the data were lost, they are there by way of a node that never was, until it is buried: who has left meanwhile
leaves then, and nobody else was ever away. Of two that knew a topic the one that was told more is right."""
