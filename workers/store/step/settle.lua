-- Part of step.lua: what became of the batch that was handed out.

-- Nothing moves until a time; what was handed out stays in flight, and goes out again exactly as it was.
local function put_off()
  local people = distinct(settle.people)
  cool_down(people, settle.sent)
  if settle.flight_state == 'unknown' then forget_known(people) end
  for name, amount in pairs(settle.counts or {}) do count(name, amount) end
  if settle.gate then tell_gate(settle.gate) end
  local many = #ids_of(flight)
  -- What a person has switched off, or saved anew meanwhile, is not paused because of what Braze says about before.
  local pauses = settle.pause and state[1] ~= 'person' and settle.version == tonumber(state[3])
  local after = settle.pause and not pauses and 0 or settle.retry_after
  local retry_at = now + after
  if not settle.pause and gate_at('open_until') > 0 then retry_at = math.min(retry_at, gate_at('open_until')) end
  count('in_flight', -many)
  count('waiting', many)
  redis.call('HSET', k_lane, 'flight_state', settle.flight_state, 'tried', settle.tried, 'failed_at', now)
  redis.call('HDEL', k_lane, 'holder', 'quiet_until')
  redis.call('HINCRBY', k_lane, 'tries', 1)
  if settle.away then redis.call('HINCRBY', k_lane, 'fails', 1) end
  if pauses then
    redis.call('HSET', k_state, 'paused', 'braze', 'paused_because', settle.pause, 'probe_at', retry_at)
    redis.call('HDEL', k_lane, 'retry_at')
  else
    redis.call('HSET', k_lane, 'retry_at', retry_at)
  end
  return wait_until(retry_at, 'retry', math.ceil(retry_at - now) + 1000)
end

-- Whoever is being unfolded stays so until nothing is left of what was folded.
local function count_unfolded(people, gone_of)
  if redis.call('EXISTS', k_cut) == 0 then return end
  for _, person in ipairs(people) do
    local left = tonumber(string.match(redis.call('HGET', k_cut, person) or '', '^0 (%d+)$') or 0) - (gone_of[person] or 0)
    if left > 0 then redis.call('HSET', k_cut, person, '0 ' .. left) else redis.call('HDEL', k_cut, person) end
  end
end

-- To the head of the queue of each person; returns how many bytes wait again.
local function put_back(ids, back, back_of)
  local bytes = 0
  for i = #back, 1, -1 do
    local id, person = ids[back[i]], settle.people[back[i]]
    local entry = redis.call('XRANGE', k_in, id, id)[1][2]
    bytes = bytes + #entry[2] + #entry[4]
    redis.call('LPUSH', P .. ':park:' .. person, id)
    redis.call('ZADD', k_parked, settle.sent and now + spacing or now, person)
    if settle.cut and (not settle.alone or settle.alone[person]) then
      redis.call('HSET', k_cut, person, settle.cut == '0' and '0 ' .. back_of[person] or settle.cut)
    end
  end
  return bytes
end

-- Whatever Braze says about the data, it knows the key.
local function resume()
  redis.call('HDEL', k_lane, 'tries', 'fails')
  if state[1] ~= 'braze' then return end
  state[1] = ''
  redis.call('HSET', k_state, 'paused', '', 'paused_because', '')
  for other = 0, tonumber(state[5] or 0) - 1 do
    if redis.call('XLEN', P .. ':in:' .. other) > 0 then redis.call('ZADD', k_due, now, other) end
    if other ~= lane then redis.call('DEL', P .. ':wake:' .. other) end
  end
end

local function bury(id, dead)
  local entry = redis.call('XRANGE', k_in, id, id)[1][2]
  redis.call('XADD', P .. ':dlq', '*', 'b', entry[2], 'h', entry[4], 'p', entry[6], 'why', dead.why, 'details', dead.details,
             'done', dead.done or redis.call('HGET', k_done, id) or '', 'at', now, 'v', settle.version, 'n', entry[12] or 0)
  count_letters(dead.why, 1)
  if not entry[12] then open_letter(day_of(entry[4])) end
end

-- A verdict for each: d delivered, f filtered, x dead, b back to the head of its person's queue.
local function settle_batch()
  local ids, people = ids_of(flight), distinct(settle.people)
  cool_down(people, settle.sent)
  for name, amount in pairs(settle.counts or {}) do count(name, amount) end
  if settle.gate then tell_gate(settle.gate) end
  if not settle.sent then give_gate_back() end
  local gone, back, tally, freed = {}, {}, {d = 0, f = 0, x = 0, b = 0}, tonumber(known[6]) or 0
  local gone_of, back_of = {}, {}
  for i = 1, #ids do
    local verdict, person = string.sub(settle.verdicts, i, i), settle.people[i]
    tally[verdict] = tally[verdict] + 1
    if verdict == 'b' then
      back[#back + 1] = i
      back_of[person] = (back_of[person] or 0) + 1
    else
      gone[#gone + 1] = ids[i]
      gone_of[person] = (gone_of[person] or 0) + 1
      if verdict == 'x' then bury(ids[i], settle.dead[ids[i]]) end
      if settle.sends and settle.sends[ids[i]] then put_sends(settle.sends[ids[i]], person) end
    end
  end
  count_unfolded(people, gone_of)
  freed = freed - put_back(ids, back, back_of)
  for id, done in pairs(settle.done or {}) do redis.call('HSET', k_done, id, done) end
  if #gone > 0 then
    redis.call('XDEL', k_in, unpack(gone))
    redis.call('HDEL', k_done, unpack(gone))
  end
  if settle.times and redis.call('EXISTS', W .. ':open') == 1 then
    for person, times in pairs(settle.times) do redis.call('HSET', W .. ':times', person, times) end
  end
  if settle.known then
    for person, known in pairs(settle.known) do redis.call('HSET', k_known, person, known) end
    redis.call('PEXPIRE', k_known, 2 * ask.memory_ms)
  end
  for day, number in pairs(settle.closed or {}) do close_letters(day, number) end
  if redis.call('EXISTS', k_parked) == 1 then
    local parked = redis.call('ZMSCORE', k_parked, unpack(people))
    for i = 1, #people do
      if parked[i] then redis.call('ZADD', k_parked, settle.sent and now + spacing or now, people[i]) end
    end
  end
  count('in_flight', -#ids)
  count('waiting', tally.b)
  count('delivered', tally.d)
  count('filtered', tally.f)
  count('dead', tally.x)
  count('died', tally.x)
  for bucket, number in pairs(settle.latency or {}) do redis.call('HINCRBY', P .. ':latency', bucket, number) end
  count('bytes', -freed)
  if ARGV[4] ~= '' then
    redis.call('XADD', P .. ':settled', '*', 'n', tally.d + tally.f, 'h', ARGV[2], 'b', ARGV[3], 'r', ARGV[4],
               'v', settle.version, 'm', settle.tried or '', 'at', now)
    count('kept', tally.d + tally.f)
  end
  for name, size in pairs(settle.learned or {}) do
    redis.call('HSET', k_state, name, size, 'learned_at', now)
    state[name == 'max_objects' and 6 or 7] = size
  end
  if settle.sent then resume() end
  redis.call('HDEL', k_lane, 'flight', 'flight_state', 'holder', 'flight_bytes', 'retry_at', 'failed_at', 'quiet_until',
             'tried')
  flight, flight_state = '', ''
end
