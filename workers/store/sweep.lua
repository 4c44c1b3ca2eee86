-- Find the lanes of one integration whose time has come and whom nobody is about to serve.
--
-- KEYS[1]  {workspace}:integration        ARGV  now_ms ('' = the store's clock), '1' to look at every lane
-- Returns  {how many lanes and kinds of messages have work at all, '1' if what waits has to be judged again, lane to wake, ...}
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local state = redis.call('HMGET', P .. ':state', 'redo', 'paused', 'probe_at', 'lanes')
local redo, paused = state[1] or '', state[2] or ''
if ARGV[2] == '1' and redo == '' and paused ~= 'person' then
  for lane = 0, tonumber(state[4] or 0) - 1 do
    if redis.call('XLEN', P .. ':in:' .. lane) > 0 then
      local when = paused == 'braze' and tonumber(state[3]) or now
      local due = tonumber(redis.call('ZSCORE', P .. ':due', lane) or 0)
      -- Nobody waits for longer than an hour and a bit: beyond that the clock was set back.
      local how = (paused == 'braze' or due > now + 4200000) and 'LT' or 'NX'
      redis.call('ZADD', P .. ':due', how, math.min(when, now + 4200000), lane)
    end
  end
end
local due = redis.call('ZCARD', P .. ':due')
local found = {due + redis.call('ZCARD', P .. ':sends:due'), redo}
if redo ~= '' or due == 0 then return found end
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', P .. ':due', '-inf', now)) do
  if redis.call('EXISTS', P .. ':lease:' .. lane) == 0
     and redis.call('SET', P .. ':wake:' .. lane, 1, 'NX', 'PX', 5000) then
    found[#found + 1] = lane
  end
end
return found
