-- Find the lanes of one integration whose time has come and whom nobody is about to serve.
--
-- KEYS[1]  {workspace}:integration        ARGV[1]  now_ms ('' = the store's clock)
-- Returns  {how many lanes have work at all, '1' if what waits has to be judged again, lane to wake, ...}
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local redo = redis.call('HGET', P .. ':state', 'redo') or ''
local found = {redis.call('ZCARD', P .. ':due'), redo}
if redo ~= '' then return found end
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', P .. ':due', '-inf', now)) do
  if redis.call('EXISTS', P .. ':lease:' .. lane) == 0
     and redis.call('SET', P .. ':wake:' .. lane, 1, 'NX', 'PX', 10000) then
    found[#found + 1] = lane
  end
end
return found
