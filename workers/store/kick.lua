-- Make every lane that holds something due at once: after a resume, a save, or a lost schedule.
--
-- KEYS[1]  {workspace}:integration        ARGV[1]  now_ms ('' = the store's clock)
-- Returns  the lanes that hold something
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local found = {}
if (redis.call('HGET', P .. ':state', 'paused') or '') == 'person' then return found end
for lane = 0, tonumber(redis.call('HGET', P .. ':state', 'lanes') or 0) - 1 do
  if redis.call('XLEN', P .. ':in:' .. lane) > 0 then
    redis.call('ZADD', P .. ':due', 'LT', now, lane)
    redis.call('DEL', P .. ':wake:' .. lane)
    redis.call('HDEL', P .. ':lane:' .. lane, 'retry_at')
    found[#found + 1] = lane
  end
end
redis.call('HSET', P .. ':state', 'probe_at', 0)
return found
