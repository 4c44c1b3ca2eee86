-- Remember what is being said, and put it into the outbox: both or neither, and only one of several who noticed it.
--
-- KEYS     komo:alerts, {komo:alerts}:said, {komo:alerts}:next
-- ARGV     field of the memory, what it must hold ('' = nothing), what it holds from now on ('' = nothing), how many
--          alerts are kept, now_ms, integration, kind ('' = nothing to say), alert
-- Returns  -1 if the memory holds something else, or how many of the oldest alerts were dropped
local box, said, next_ = KEYS[1], KEYS[2], KEYS[3]
local field, was, becomes = ARGV[1], ARGV[2], ARGV[3]
if (redis.call('HGET', said, field) or '') ~= was then return -1 end
if becomes == '' then redis.call('HDEL', said, field) else redis.call('HSET', said, field, becomes) end
if ARGV[7] == '' then return 0 end
local before = redis.call('XLEN', box)
redis.call('XADD', box, 'MAXLEN', '~', ARGV[4], '*', 'kind', ARGV[7], 'integration', ARGV[6], 'alert', ARGV[8])
redis.call('HSETNX', next_, 'due', ARGV[5])
return before + 1 - redis.call('XLEN', box)
