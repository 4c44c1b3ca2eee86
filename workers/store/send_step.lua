-- One step of sending messages of one kind: settle the last call, then hand out the next one.
--
-- KEYS[1]  {workspace}:integration, the prefix of the integration's keys
-- KEYS[2]  {workspace}, the prefix of what the workspace's integrations share
-- ARGV[1]  JSON: name ('sends:<kind>'), token, now (absent = the store's clock), lease_ms, flight_ms, spacing_ms, rates,
--          release (stop after settling), probe_ms (the longest time between two trials of a pause), most (people in
--          one call), most_bytes, key_ms (for how long Braze knows a send again; 0 = never), settle (absent = nothing to
--          settle): number, version, outcome, after_ms, flight_state, away, gate, status, words, why
-- Returns  {'calls', [entry], sent before ('', 'clean', 'unknown'), version, number, fails, limited, '1' if the gate
--          remembers trouble}, an entry being {Braze's id, JSON of what is sent to whom}
--          {'wait', ms, why, 'alarm' or ''}   {'more'}   {'empty'}   {'again'}   {'paused'}   {'busy'}   {'lost'}
--          {'gone'}: the integration was moved or removed
local P, W = KEYS[1], KEYS[2]
local ask = cjson.decode(ARGV[1])
local now = ask.now
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local name, token, settle = ask.name, ask.token, ask.settle
local k_out, k_lane, k_lease, k_wake = P .. ':' .. name, P .. ':lane:' .. name, P .. ':lease:' .. name, P .. ':wake:' .. name
local k_due, k_ledger, k_troubles, k_gate = P .. ':sends:due', P .. ':ledger', P .. ':sends:troubles', W .. ':gate:send'
-- How many of those that wait are looked at for some that fit into one call.
local LOOK, MOST_TROUBLES = 200, 10000
local LOST = 'Whoever asked Braze was lost before the answer was kept.'
local TOO_LATE = 'Braze gave no answer for so long that it might send this again.'

-- The lease, and the fence behind it: whoever was handed the flight is the only one to settle it.
local holder = redis.call('GET', k_lease)
if holder and holder ~= token then return {settle and 'lost' or 'busy'} end
local known, found = {}, redis.call('HGETALL', k_lane)
for i = 1, #found, 2 do known[found[i]] = found[i + 1] end
if settle and known.holder ~= token then return {'lost'} end
-- Asked again after an answer that never arrived: this call is settled, and the one handed out instead was never seen.
if settle and settle.number ~= tonumber(known.number) then settle = nil end
local state = redis.call('HMGET', P .. ':state', 'paused', 'version')
if not state[2] then return {ask.settle and 'lost' or 'gone'} end
redis.call('DEL', k_wake)
redis.call('SET', k_lease, token, 'PX', ask.lease_ms)
redis.call('SET', k_wake, 1, 'PX', 5000)

local function keep(field, value)
  known[field] = value and tostring(value) or nil
  if value then redis.call('HSET', k_lane, field, value) else redis.call('HDEL', k_lane, field) end
end

local function at(field) return tonumber(known[field]) or 0 end

local function leave(due, wake_ms)
  redis.call('DEL', k_lease)
  if due then redis.call('ZADD', k_due, due, name) else redis.call('ZREM', k_due, name) end
  if wake_ms then redis.call('SET', k_wake, 1, 'PX', wake_ms) else redis.call('DEL', k_wake) end
end

local function wait_until(due, why)
  leave(due, math.ceil(due - now) + 1000)
  local set = at('alarm') <= now or at('alarm') > due
  if set then keep('alarm', due) end
  return {'wait', math.max(1, math.ceil(due - now)), why, set and 'alarm' or ''}
end

-- @include step/gate
-- @include step/calls

-- 1. Settle the call that was handed out.
if settle and known.flight then
  settle_call()
elseif known.flight_state == 'sent' then
  -- Whoever was handed this is gone, unless it is who asks.
  if known.holder == token then
    keep('flight_state', known.before == 'unknown' and 'unknown' or 'clean')
  elseif ask.key_ms > 0 then
    doubt()
  else
    finish('unknown', LOST)
  end
end

if redis.call('XLEN', k_out) == 0 then
  redis.call('HDEL', k_lane, 'flight', 'flight_state', 'holder', 'groups', 'retry_at', 'failed_at', 'doubt_at')
  leave(nil)
  return {'empty'}
end
if ask.release then
  leave(now, 5000)
  return {'more'}
end

-- 2. May Braze be asked now? Pauses first, then the gate that all integrations of the workspace share.
if state[1] == 'person' then
  leave(nil)
  return {'paused'}
end
local is_probe = false
if known.paused_because and known.paused_version == state[2] then
  if at('probe_at') > now + ask.probe_ms then keep('probe_at', now + ask.probe_ms) end  -- the clock was set back
  if at('probe_at') > now then
    leave(at('probe_at'))
    return {'paused'}
  end
  is_probe = true
end
read_gate()
if at('failed_at') > now then
  -- The clock was set back: wait for as long as was meant, not until then.
  keep('retry_at', now + at('retry_at') - at('failed_at'))
  keep('failed_at', now)
end
if at('retry_at') > now and not answers_again(known.failed_at and at('failed_at') or now) then
  return wait_until(at('retry_at'), 'retry')
end
local opens_at, why = gate_opens_at()
if opens_at > now then return wait_until(opens_at, why) end

-- 3. What travels: a call that was put off, the rest of one that was refused, what waits.
local troubled = is_probe or known.fails or gate.fails
local ids, entries, ready_at = take_calls(troubled and 1 or ask.most)
if #ids == 0 then
  if not ready_at then return {'again'} end
  return wait_until(ready_at, 'spacing')
end

-- 4. Hand out. From here on nobody knows whether Braze was asked, until somebody says so.
if is_probe then keep('probe_at', now + ask.flight_ms) end
pass_gate()
local number, before = at('number') + 1, known.flight_state or ''
redis.call('HSET', k_lane, 'flight', table.concat(ids, ' '), 'flight_state', 'sent', 'holder', token, 'number', number,
           'out_at', now, 'before', before)
return {'calls', entries, before, state[2], number, at('fails'), tonumber(gate.limited) or 0,
        (gate.limited or gate.fails) and '1' or ''}
