-- Everything that metrics tell of an integration. Writes nothing.
--
-- KEYS[1]  {workspace}:integration
-- ARGV[1]  kinds of messages with blanks between; then the ledger's counters
-- Returns  {counters, latency as 'bucket count ...', reasons of dead letters as 'reason count ...', how many letters there
--          are, paused, redo, when the oldest that waits was accepted (ms, 0 for none), when a lane is due first (ms, 0),
--          of each kind of messages 'how many wait, 1 if they are paused' with blanks between}
local P = KEYS[1]

-- @include oldest

local counters = redis.call('HMGET', P .. ':ledger', unpack(ARGV, 2))
for i = 1, #counters do counters[i] = counters[i] or '0' end
local state = redis.call('HMGET', P .. ':state', 'paused', 'redo', 'lanes', 'version')
local redo = (state[2] or '') ~= ''
-- 0 is no time: a lane that was just filled anew is due at once, however old what is in it.
local due = redis.call('ZRANGEBYSCORE', P .. ':due', '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local messages = {}
for kind in string.gmatch(ARGV[1], '%S+') do
  local lane = redis.call('HMGET', P .. ':lane:sends:' .. kind, 'paused_because', 'paused_version')
  messages[#messages + 1] = redis.call('XLEN', P .. ':sends:' .. kind)
  messages[#messages + 1] = lane[1] and lane[2] == state[4] and 1 or 0
end
return {table.concat(counters, ' '), table.concat(redis.call('HGETALL', P .. ':latency'), ' '),
        table.concat(redis.call('HGETALL', P .. ':reasons'), ' '), redis.call('XLEN', P .. ':dlq'), state[1] or '',
        redo and 1 or 0, string.format('%.0f', oldest_waiting(tonumber(state[3] or nil) or 0, redo) or 0), due[2] or '0',
        table.concat(messages, ' ')}
