-- One person's entries in one lane: tell what they hold, or let go of them. A bounded part of the lane at a time.
--
-- KEYS[1]  {workspace}:integration        KEYS[2]  {workspace}
-- ARGV     lane, person, the last order that counts, id to start behind ('-' = at the beginning),
--          job ('' = let go of nothing, and return the bodies), the integration's id, for how long the numbers are kept, s
-- Returns  {'ok', id to go on behind or '' at the end, how many are out, how many went, body, ...}
--          {'redo'}: what waits is being judged again, and lies elsewhere meanwhile
local P, W = KEYS[1], KEYS[2]
local lane, person, latest, after, job, integration = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local MOST, MOST_BYTES = 500, 500000
local k_in, k_lane, k_park, k_cut = P .. ':in:' .. lane, P .. ':lane:' .. lane, P .. ':park:' .. person, P .. ':cut'
if (redis.call('HGET', P .. ':state', 'redo') or '') ~= '' then return {'redo'} end

local known = redis.call('HMGET', k_lane, 'flight', 'flight_state', 'flight_bytes')
local flight, in_flight = {}, {}
for id in string.gmatch(known[1] or '', '%S+') do
  flight[#flight + 1] = id
  in_flight[id] = true
end

local function read(values)
  local entry = {}
  for at = 1, #values, 2 do entry[values[at]] = values[at + 1] end
  entry.order = tonumber(string.match(entry.h, '^%[(%d+)'))
  return entry
end

local landed = {}
local function is_in_flight()
  for _, id in ipairs(flight) do
    local found = not landed[id] and redis.call('XRANGE', k_in, id, id)[1]
    if found and read(found[2]).p == person then return true end
  end
  return false
end

-- Only a batch that somebody holds is out. One that waits for its next attempt waits like everything else, and without
-- this person it is still what it was for all others in it.
local is_out = known[2] == 'sent' and redis.call('EXISTS', P .. ':lease:' .. lane) == 1
if known[2] == 'sent' and not is_out and job ~= '' and is_in_flight() then
  -- As in step.lua, which may not come by for as long as the integration is paused: whoever was handed this is gone,
  -- and nobody knows how far they came.
  local t = redis.call('TIME')
  local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
  redis.call('HDEL', k_lane, 'holder', 'retry_at')
  redis.call('HINCRBY', P .. ':ledger', 'in_flight', -#flight)
  redis.call('HINCRBY', P .. ':ledger', 'waiting', #flight)
  redis.call('HSET', k_lane, 'flight_state', 'unknown', 'failed_at', now)
end

-- @include open_letters

local out, went, freed, landed_bytes, bodies = 0, 0, 0, 0, {}
local function let_go(id, entry)
  redis.call('XDEL', k_in, id)
  redis.call('HDEL', P .. ':done:' .. lane, id)
  redis.call('LREM', k_park, 1, id)
  if entry.n then close_letters(day_of(entry.h), 1) end
  local size = #entry.b + #entry.h
  if in_flight[id] then landed[id], landed_bytes = true, landed_bytes + size end
  went, freed = went + 1, freed + size
end

local looked, weight, ended = 0, 0, false
while looked < MOST and weight < MOST_BYTES and not ended do
  local found = redis.call('XRANGE', k_in, after == '-' and '-' or '(' .. after, '+', 'COUNT', 1)[1]
  if found then
    local id, entry = found[1], read(found[2])
    if entry.p == person and entry.order <= latest then
      if job == '' then
        bodies[#bodies + 1] = entry.b
      elseif is_out and in_flight[id] then
        out = out + 1
      else
        let_go(id, entry)
      end
    end
    after, looked, weight = id, looked + 1, weight + #entry.b
  else
    ended = true
  end
end

if went > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'waiting', -went)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', went)
  redis.call('HINCRBY', P .. ':ledger', 'bytes', -freed)
  redis.call('HINCRBY', P .. ':job:' .. job, 'waiting', went)
  redis.call('EXPIRE', P .. ':job:' .. job, ARGV[7])
  if next(landed) then
    local left = {}
    for _, id in ipairs(flight) do
      if not landed[id] then left[#left + 1] = id end
    end
    if #left > 0 then
      redis.call('HSET', k_lane, 'flight', table.concat(left, ' '))
      redis.call('HINCRBY', k_lane, 'flight_bytes', -landed_bytes)
    else
      redis.call('HDEL', k_lane, 'flight', 'flight_state', 'flight_bytes', 'holder', 'retry_at', 'failed_at', 'quiet_until',
                 'tried')
    end
  end
  if redis.call('EXISTS', k_park) == 0 then
    redis.call('ZREM', P .. ':parked:' .. lane, person)
    if redis.call('HEXISTS', k_cut, person) == 1 and not is_in_flight() then redis.call('HDEL', k_cut, person) end
  end
end
return {'ok', ended and '' or after, out, went, unpack(bodies)}
