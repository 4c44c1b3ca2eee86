-- Find the kinds of messages of one integration whose time has come and whom nobody is about to serve.
--
-- KEYS[1]  {workspace}:integration        ARGV  now_ms ('' = the store's clock), '1' to look at all that waits
-- Returns  the names of those kinds
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local k_due = P .. ':sends:due'
if ARGV[2] == '1' then
  local state = redis.call('HMGET', P .. ':state', 'paused', 'version')
  for _, kind in ipairs({'campaign', 'canvas', 'transactional'}) do
    local name = 'sends:' .. kind
    if state[1] ~= 'person' and redis.call('XLEN', P .. ':' .. name) > 0 then
      local paused_version = redis.call('HGET', P .. ':lane:' .. name, 'paused_version')
      local due = tonumber(redis.call('ZSCORE', k_due, name) or 0)
      -- A save may have mended what Braze has paused. And nobody waits for longer than an hour and a bit: beyond that the
      -- clock was set back.
      local is_late = paused_version and paused_version ~= state[2] or due > now + 4200000
      redis.call('ZADD', k_due, is_late and 'LT' or 'NX', now, name)
    end
  end
end
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', k_due, '-inf', now)) do
  if redis.call('EXISTS', P .. ':lease:' .. name) == 0
     and redis.call('SET', P .. ':wake:' .. name, 1, 'NX', 'PX', 5000) then
    found[#found + 1] = name
  end
end
return found
