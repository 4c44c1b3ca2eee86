-- Take all lanes of an integration whose rules for people have changed, as soon as no drain is at work in any.
--
-- KEYS[1]  {workspace}:integration        KEYS[2..]  what is remembered of people: the generations that may be there
-- ARGV     token, lease_ms
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

-- The first 3 attempts and the last 10 are kept, as in schemas/attempts.py.
local FIRST, LAST = 3, 10

-- As cjson.encode, but a member that is empty is a list, as all lists here.
local function json(done)
  local parts = {}
  for name, value in pairs(done) do
    local text
    if type(value) == 'number' then
      text = string.format('%.0f', value)
    else
      text = type(value) == 'table' and next(value) == nil and '[]' or cjson.encode(value)
    end
    parts[#parts + 1] = '"' .. name .. '":' .. text
  end
  return '{' .. table.concat(parts, ',') .. '}'
end

local function joined(earlier, later)
  local all, kept = {}, {}
  for _, one in ipairs(earlier) do all[#all + 1] = one end
  for _, one in ipairs(later) do all[#all + 1] = one end
  for at, one in ipairs(all) do
    if at <= FIRST or at > #all - LAST then kept[#kept + 1] = one end
  end
  return kept
end

-- What is known of an entry (P:done), and what its flight adds; `plain` is what it adds where nothing was known.
local function with_flight(text, unknown, tried, plain)
  if not text then return plain end
  local done = cjson.decode(text)
  if unknown then done.u = true end
  if tried then
    local earlier = done.t or {}
    done.t, done.k = joined(earlier, tried.attempts), (done.k or #earlier) + tried.number
  end
  return json(done)
end

for lane = 0, lanes - 1 do
  redis.call('SET', P .. ':lease:' .. lane, token, 'PX', ARGV[2])
  -- What a dead drain had in flight waits again; whether it was applied, nobody knows.
  local key = P .. ':lane:' .. lane
  local flight = redis.call('HMGET', key, 'flight', 'flight_state', 'tried')
  local count, k_done, unknown = 0, P .. ':done:' .. lane, flight[2] ~= 'clean'
  local tried = (flight[3] or '') ~= '' and cjson.decode(flight[3]) or nil
  local plain = json({u = unknown or nil, t = tried and tried.attempts, k = tried and tried.number})
  for id in string.gmatch(flight[1] or '', '%S+') do
    count = count + 1
    if unknown then
      -- Braze may have of them what nobody told us of.
      local entry = redis.call('XRANGE', P .. ':in:' .. lane, id, id)[1]
      for at = 2, entry and #KEYS or 0 do redis.call('HDEL', KEYS[at], entry[2][6]) end
    end
    if unknown or tried then
      redis.call('HSET', k_done, id, with_flight(redis.call('HGET', k_done, id), unknown, tried, plain))
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
