-- One step of a drain: settle the last batch, then hand out the next one.
--
-- KEYS[1]  {workspace}:integration, the prefix of the integration's keys
-- KEYS[2]  {workspace}, the prefix of what the workspace's integrations share
-- ARGV[1]  JSON: id, version, lane, token, now (absent = the store's clock), lease_ms, release (stop after settling),
--          spacing_ms, relearn_ms (after which a learned limit is tried anew), probe_ms (the longest time between two
--          trials of a pause), max_objects, max_entries, max_bytes, rates ('requests/period_ms' with blanks between),
--          flight_ms, known (what the keys of the memory begin with), memory_ms, settle (absent = nothing to settle)
-- ARGV[2..4]  heads, bodies and results of the settled batch, for its record; '' = keep no record
-- Returns  {'batch', ids, heads, bodies, sent before ('', 'clean', 'unknown'), cut, version, tries, number, people, more, now}
--          {'wait', ms, why, 'alarm' or ''}   {'more'}   {'empty'}   {'again'}   {'paused'}   {'busy'}   {'lost'}
--          {'stale', version}: the integration was saved meanwhile    {'gone'}: it was moved or removed
--          `more` is JSON with those members that there are: done, replays, times, guarded, known, tried, fails, limited,
--          max_objects, request_bytes, restored
local P, W = KEYS[1], KEYS[2]
local ask = cjson.decode(ARGV[1])
local now = ask.now
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local lane, token, spacing, integration = ask.lane, ask.token, ask.spacing_ms, ask.id
local k_in, k_lane, k_lease, k_wake = P .. ':in:' .. lane, P .. ':lane:' .. lane, P .. ':lease:' .. lane, P .. ':wake:' .. lane
local k_parked, k_due, k_state, k_ledger = P .. ':parked:' .. lane, P .. ':due', P .. ':state', P .. ':ledger'
local k_cut, k_done, k_busy, k_gate = P .. ':cut', P .. ':done:' .. lane, W .. ':busy', W .. ':gate:track'
local memory = math.floor(now / ask.memory_ms)
local k_known, k_knew = ask.known .. memory, ask.known .. (memory - 1)
local slot = spacing > 0 and math.floor(now / spacing) or 0
local k_cool, k_cooled = W .. ':cool:' .. slot, W .. ':cool:' .. (slot - 1)

local function count(name, amount)
  if amount ~= 0 then redis.call('HINCRBY', k_ledger, name, amount) end
end

-- The lease, and the fence behind it: whoever was handed the flight is the only one to settle it.
local holder = redis.call('GET', k_lease)
if holder and holder ~= token then
  return {ask.settle and 'lost' or 'busy'}
end
local known = redis.call('HMGET', k_lane, 'cursor', 'flight', 'flight_state', 'holder', 'alarm', 'flight_bytes', 'retry_at',
                         'number', 'failed_at', 'quiet_until')
local flight, flight_state = known[2] or '', known[3] or ''
if ask.settle and known[4] ~= token then return {'lost'} end
-- Asked again after an answer that never arrived: the batch is settled, and the one handed out instead was never seen.
local settle = ask.settle
if settle and settle.number ~= tonumber(known[8]) then settle = nil end
local state = redis.call('HMGET', k_state, 'paused', 'probe_at', 'version', 'redo', 'lanes', 'max_objects', 'request_bytes',
                         'learned_at', 'restored')
if now - (tonumber(state[8]) or now) > ask.relearn_ms then
  -- Whether the limit is still that small, the next bigger request tells.
  redis.call('HDEL', k_state, 'max_objects', 'request_bytes', 'learned_at')
  state[6], state[7] = false, false
end
if not state[3] then return {ask.settle and 'lost' or 'gone'} end
-- A store that is full refuses whatever may grow it, unless something else was written before: settling makes room.
redis.call('DEL', k_wake)
redis.call('SET', k_lease, token, 'PX', ask.lease_ms)
redis.call('SET', k_wake, 1, 'PX', 5000)

local function leave(due, wake_ms)
  redis.call('DEL', k_lease)
  if due then redis.call('ZADD', k_due, due, lane) else redis.call('ZREM', k_due, lane) end
  if wake_ms then redis.call('SET', k_wake, 1, 'PX', wake_ms) else redis.call('DEL', k_wake) end
end

local function wait_until(due, why, wake_ms)
  leave(due, wake_ms)
  local alarm = tonumber(known[5]) or 0
  local set = alarm <= now or alarm > due
  if set then redis.call('HSET', k_lane, 'alarm', due) end
  return {'wait', math.max(1, math.ceil(due - now)), why, set and 'alarm' or ''}
end

local function ids_of(text)
  local ids = {}
  for id in string.gmatch(text, '%S+') do ids[#ids + 1] = id end
  return ids
end

local function people_of(text)
  local people = {}
  for _, id in ipairs(ids_of(text)) do people[#people + 1] = redis.call('XRANGE', k_in, id, id)[1][2][6] end
  return people
end

local function distinct(people)
  local once, list = {}, {}
  for i = 1, #people do
    if not once[people[i]] then
      once[people[i]] = true
      list[#list + 1] = people[i]
    end
  end
  return list
end

-- Braze may have of them what nobody told us of: nothing is known to be there until they are sent all of it again.
local function forget_known(people)
  if #people == 0 then return end
  redis.call('HDEL', k_known, unpack(people))
  redis.call('HDEL', k_knew, unpack(people))
end

-- @include step/people
-- @include step/gate
-- @include open_letters
-- @include letter_counts
-- @include step/sends
-- @include step/settle

-- 1. Settle the batch that was handed out.
if settle and flight ~= '' then
  local rest = settle.retry_after and put_off() or settle_batch()
  if rest then return rest end
elseif flight_state == 'sent' then
  -- Whoever was handed this is gone, and nobody knows how far they came.
  local lost = #ids_of(flight)
  count('in_flight', -lost)
  count('waiting', lost)
  flight_state = known[4] == token and 'clean' or 'unknown'
  redis.call('HSET', k_lane, 'flight_state', flight_state)
  if flight_state == 'unknown' then forget_known(distinct(people_of(flight))) end
  redis.call('HDEL', k_lane, 'holder')
  -- They renewed their lease every third of it, so that long ago they were at it no more.
  known[10] = now + spacing - ask.lease_ms * 2 / 3
  redis.call('HSET', k_lane, 'quiet_until', known[10], 'failed_at', now)
end

if redis.call('XLEN', k_in) == 0 then
  leave(nil)
  return {'empty'}
end
if ask.release then
  leave(now, 5000)
  return {'more'}
end

-- 2. May Braze be called now? Pauses first, then the gate that all integrations of the workspace share.
if state[1] == 'person' or (state[4] or '') ~= '' then
  leave(nil)
  return {'paused'}
end
if state[1] == 'braze' then
  local probe_at = tonumber(state[2]) or 0
  if probe_at > now + ask.probe_ms then
    probe_at = now + ask.probe_ms  -- the clock was set back
    redis.call('HSET', k_state, 'probe_at', probe_at)
  end
  if probe_at > now then
    leave(probe_at)
    return {'paused'}
  end
end
if tonumber(state[3]) ~= ask.version then
  -- Where to send, how much and what is known there are those of another document.
  return {'stale', state[3]}
end
read_gate()
local failed_at = tonumber(known[9]) or now
if failed_at > now then
  -- The clock was set back: wait for as long as was meant, not until then.
  for _, at in ipairs({7, 10}) do
    if known[at] then known[at] = now + tonumber(known[at]) - failed_at end
  end
  redis.call('HSET', k_lane, 'failed_at', now, 'retry_at', known[7] or 0, 'quiet_until', known[10] or 0)
  failed_at = now
end
local retry_at = flight ~= '' and not answers_again(failed_at) and tonumber(known[7]) or 0
-- Not even a save or a resume shortens the time for which people are left alone.
if flight ~= '' then retry_at = math.max(retry_at, tonumber(known[10]) or 0) end
if retry_at > now then return wait_until(retry_at, 'retry', math.ceil(retry_at - now) + 1000) end
local opens_at, why = gate_opens_at()
if opens_at > now then return wait_until(opens_at, why, math.ceil(opens_at - now) + 1000) end

-- 3. Who travels: a batch that is out already, people whose turn has come, what was accepted since.
-- @include step/take

if flight ~= '' then
  local latest = take_flight()
  if latest > now then return wait_until(latest, 'spacing', math.ceil(latest - now) + 1000) end
else
  take_turns()
  local more = not full and read_on()
  redis.call('HSET', k_lane, 'cursor', cursor)
  if #ids == 0 then
    if more and not full then return {'again'} end
    local turn = next_turn()
    if not turn then
      -- Nothing set aside and nothing in flight, yet the stream holds something: read it from its beginning again.
      redis.call('HDEL', k_lane, 'cursor')
      return {'again'}
    end
    return wait_until(math.max(now + 1, turn), 'spacing')
  end
end

-- 4. Hand out: from here on the batch is in flight, whoever holds it.
count('waiting', -#ids)
count('in_flight', #ids)
if state[1] == 'braze' then redis.call('HSET', k_state, 'probe_at', now + ask.flight_ms) end
local once = distinct(people)
keep_busy(once)
pass_gate()
local sizes = bytes
for i = 1, #heads do sizes = sizes + #heads[i] end
local number = (tonumber(known[8]) or 0) + 1
redis.call('HSET', k_lane, 'flight', table.concat(ids, ' '), 'flight_state', 'sent', 'holder', token, 'flight_bytes', sizes,
           'number', number)
local trouble = redis.call('HMGET', k_lane, 'tries', 'fails', 'tried')
return {'batch', table.concat(ids, ' '), '[' .. table.concat(heads, ',') .. ']', '[' .. table.concat(bodies, ',') .. ']',
        flight_state, cut, state[3], trouble[1] or '0', number, table.concat(people, ' '), what_else(once, trouble), now}
