-- Make every kind of message that waits due at once: after a resume or a save.
--
-- KEYS[1]  {workspace}:integration        ARGV[1]  now_ms ('' = the store's clock)
-- Returns  the names of those kinds
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local found = {}
if (redis.call('HGET', P .. ':state', 'paused') or '') == 'person' then return found end
for _, kind in ipairs({'campaign', 'canvas', 'transactional'}) do
  local name = 'sends:' .. kind
  if redis.call('XLEN', P .. ':' .. name) > 0 then
    redis.call('ZADD', P .. ':sends:due', 'LT', now, name)
    redis.call('DEL', P .. ':wake:' .. name)
    redis.call('HDEL', P .. ':lane:' .. name, 'retry_at')
    if redis.call('HEXISTS', P .. ':lane:' .. name, 'paused_because') == 1 then
      redis.call('HSET', P .. ':lane:' .. name, 'probe_at', 0)
    end
    found[#found + 1] = name
  end
end
return found
