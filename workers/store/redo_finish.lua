-- Put the new set of lanes in place, once nothing is left of the old one; sending goes on from here.
--
-- KEYS[1]  {workspace}:integration        ARGV  token
-- Returns  'more' if something is left, 'lost' if another has taken over, or 'done'
local P = KEYS[1]
if redis.call('GET', P .. ':lease:0') ~= ARGV[1] then return 'lost' end
local lanes = tonumber(redis.call('HGET', P .. ':state', 'lanes') or 0)
if redis.call('XLEN', P .. ':annex') > 0 then return 'more' end
if redis.call('XLEN', P .. ':held') > 0 then return 'more' end
for lane = 0, lanes - 1 do
  if redis.call('XLEN', P .. ':in:' .. lane) > 0 then return 'more' end
end
-- Whoever was set aside waits in the new lanes like everybody else. There may be as many as may wait at all, so they
-- are let go of a bounded number at a time.
local room = 1000
for lane = 0, lanes - 1 do
  local people = redis.call('ZRANGE', P .. ':parked:' .. lane, 0, room - 1)
  for _, person in ipairs(people) do redis.call('UNLINK', P .. ':park:' .. person) end
  if #people > 0 then redis.call('ZREMRANGEBYRANK', P .. ':parked:' .. lane, 0, #people - 1) end
  room = room - #people
  if room <= 0 then return 'more' end
end
for lane = 0, lanes - 1 do
  redis.call('UNLINK', P .. ':lane:' .. lane, P .. ':lease:' .. lane, P .. ':in:' .. lane)
  redis.call('UNLINK', P .. ':wake:' .. lane, P .. ':done:' .. lane)
  redis.call('ZREM', P .. ':due', lane)
  if redis.call('EXISTS', P .. ':new:' .. lane) == 1 then
    redis.call('RENAME', P .. ':new:' .. lane, P .. ':in:' .. lane)
    redis.call('ZADD', P .. ':due', 0, lane)
  end
  if redis.call('EXISTS', P .. ':newdone:' .. lane) == 1 then
    redis.call('RENAME', P .. ':newdone:' .. lane, P .. ':done:' .. lane)
  end
end
redis.call('UNLINK', P .. ':annex', P .. ':cut', P .. ':held', P .. ':hold')
for _, name in ipairs({'held', 'hold'}) do
  if redis.call('EXISTS', P .. ':new' .. name) == 1 then redis.call('RENAME', P .. ':new' .. name, P .. ':' .. name) end
end
local redo = redis.call('HMGET', P .. ':state', 'redo', 'redo_by')
redis.call('HDEL', P .. ':state', 'redo_by')
if redo[1] ~= redo[2] then return 'more' end
redis.call('HDEL', P .. ':state', 'redo')
return 'done'
