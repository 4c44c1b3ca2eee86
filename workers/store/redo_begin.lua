-- Take all lanes of an integration whose rules for people have changed, as soon as no drain is at work in any.
--
-- KEYS[1]  {workspace}:integration        ARGV  token, lease_ms
-- Returns  {'none'} if nothing is to be redone, {'busy'}, or {'begun', number of lanes}
local P, token = KEYS[1], ARGV[1]
local state = redis.call('HMGET', P .. ':state', 'redo', 'lanes')
if (state[1] or '') == '' then return {'none'} end
local lanes = tonumber(state[2] or 0)
for lane = 0, lanes - 1 do
  local holder = redis.call('GET', P .. ':lease:' .. lane)
  if holder and holder ~= token then return {'busy'} end
end
for lane = 0, lanes - 1 do
  redis.call('SET', P .. ':lease:' .. lane, token, 'PX', ARGV[2])
  -- What a dead drain had in flight waits again; whether it was applied, nobody knows.
  local key = P .. ':lane:' .. lane
  local flight = redis.call('HMGET', key, 'flight', 'flight_state')
  local count, events = 0, 0
  for id in string.gmatch(flight[1] or '', '%S+') do
    local found = redis.call('XRANGE', P .. ':in:' .. lane, id, id)[1]
    count = count + 1
    if found then events = events + tonumber(found[2][10]) end
  end
  if flight[2] == 'sent' then
    redis.call('HINCRBY', P .. ':ledger', 'in_flight', -count)
    redis.call('HINCRBY', P .. ':ledger', 'waiting', count)
  end
  if flight[2] == 'sent' or flight[2] == 'unknown' then
    redis.call('HINCRBY', P .. ':ledger', 'possible_duplicates', events)
  end
  redis.call('HDEL', key, 'flight', 'flight_state', 'flight_bytes', 'holder', 'tries', 'last', 'cursor')
end
return {'begun', lanes}
