-- Take all lanes of an integration whose rules for people have changed, as soon as no drain is at work in any.
--
-- KEYS[1]  {workspace}:integration        ARGV  token, lease_ms
-- Returns  {'none'} if nothing is to be redone, {'busy'}, or {'begun', number of lanes}
--
-- Where the rules change once more meanwhile, `redo` is no longer what it was at the beginning, `redo_by`: then all is
-- judged again when this is done.
local P, token = KEYS[1], ARGV[1]
local state = redis.call('HMGET', P .. ':state', 'redo', 'lanes')
if (state[1] or '') == '' then return {'none'} end
local lanes = tonumber(state[2] or 0)
if lanes == 0 then
  -- Nothing has ever been accepted.
  redis.call('HDEL', P .. ':state', 'redo')
  return {'none'}
end
for lane = 0, lanes - 1 do
  local holder = redis.call('GET', P .. ':lease:' .. lane)
  if holder and holder ~= token then return {'busy'} end
end
for lane = 0, lanes - 1 do
  redis.call('SET', P .. ':lease:' .. lane, token, 'PX', ARGV[2])
  -- What a dead drain had in flight waits again; whether it was applied, nobody knows.
  local key = P .. ':lane:' .. lane
  local flight = redis.call('HMGET', key, 'flight', 'flight_state')
  local count, k_done = 0, P .. ':done:' .. lane
  for id in string.gmatch(flight[1] or '', '%S+') do
    count = count + 1
    if flight[2] ~= 'clean' then
      local done = redis.call('HGET', k_done, id)
      redis.call('HSET', k_done, id, done and '{"u":true,' .. string.sub(done, 2) or '{"u":true}')
    end
  end
  if flight[2] == 'sent' then
    redis.call('HINCRBY', P .. ':ledger', 'in_flight', -count)
    redis.call('HINCRBY', P .. ':ledger', 'waiting', count)
  end
  redis.call('HDEL', key, 'flight', 'flight_state', 'flight_bytes', 'holder', 'retry_at', 'failed_at', 'quiet_until',
             'tries', 'fails', 'tried', 'cursor')
end
redis.call('HSETNX', P .. ':state', 'redo_by', state[1])
return {'begun', lanes}
