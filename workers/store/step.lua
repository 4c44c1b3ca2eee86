-- One step of a drain: settle the last batch, then hand out the next one.
--
-- KEYS[1]  {workspace}:integration, the prefix of the integration's keys
-- KEYS[2]  {workspace}, the prefix of what the workspace's integrations share
-- ARGV[1]  JSON: lane, token, now (absent = the store's clock), lease_ms, release (stop after settling), spacing_ms,
--          max_objects, max_entries, max_bytes, rate_requests, rate_period_ms, flight_ms, settle (absent = nothing to settle)
-- ARGV[2..4]  heads, bodies and results of the settled batch, for its record; '' = keep no record
-- Returns  {'batch', ids, heads, bodies, sent before ('', 'clean', 'unknown'), cut, version, done, tries, number, people}
--          {'wait', ms, why, 'alarm' or ''}   {'more'}   {'empty'}   {'again'}   {'paused'}   {'busy'}   {'lost'}
--          {'gone'}: the integration was moved or removed
local P, W = KEYS[1], KEYS[2]
local ask = cjson.decode(ARGV[1])
local now = ask.now
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local lane, token, spacing = ask.lane, ask.token, ask.spacing_ms
local k_in, k_lane, k_lease, k_wake = P .. ':in:' .. lane, P .. ':lane:' .. lane, P .. ':lease:' .. lane, P .. ':wake:' .. lane
local k_parked, k_due, k_state, k_ledger = P .. ':parked:' .. lane, P .. ':due', P .. ':state', P .. ':ledger'
local k_cut, k_done, k_busy, k_gate = P .. ':cut', P .. ':done:' .. lane, W .. ':busy', W .. ':gate:track'
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
local known = redis.call('HMGET', k_lane, 'cursor', 'flight', 'flight_state', 'holder', 'alarm', 'flight_bytes', 'retry_at', 'number')
local flight, flight_state = known[2] or '', known[3] or ''
if ask.settle and known[4] ~= token then return {'lost'} end
-- Asked again after an answer that never arrived: the batch is settled, and the one handed out instead was never seen.
local settle = ask.settle
if settle and settle.number ~= tonumber(known[8]) then settle = nil end
local state = redis.call('HMGET', k_state, 'paused', 'probe_at', 'version', 'redo', 'lanes')
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

-- Until when, whose, and whether a mark only keeps a place for a batch that waits for others.
local function read_mark(text)
  local at, kept, owner = string.match(text, '^([%d%.]+)(%??) (.*)$')
  return tonumber(at), owner, kept == '?'
end

local function cool_down(people, sent)
  local marks, mine = redis.call('HMGET', k_busy, unpack(people)), {}
  for i = 1, #people do
    local _, owner = read_mark(marks[i] or '')
    if owner == P then mine[#mine + 1] = people[i] end
  end
  if #mine > 0 then redis.call('HDEL', k_busy, unpack(mine)) end
  if not sent or spacing <= 0 then return end
  local pairs_ = {}
  for i = 1, #people do
    pairs_[2 * i - 1], pairs_[2 * i] = people[i], now + spacing
  end
  redis.call('HSET', k_cool, unpack(pairs_))
  redis.call('PEXPIRE', k_cool, 2 * spacing + 1000)
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

-- 1. Settle the batch that was handed out: d delivered, f filtered, x dead, b back to the head of its person's queue.
if settle and flight ~= '' then
  local ids, people = ids_of(flight), distinct(settle.people)
  cool_down(people, settle.sent)
  for name, amount in pairs(settle.counts or {}) do count(name, amount) end
  if settle.gate_after then
    redis.call('HSET', k_gate, 'until', math.max(now + settle.gate_after, tonumber(redis.call('HGET', k_gate, 'until') or 0)))
  end
  if settle.retry_after then
    -- What a person has switched off, or saved anew meanwhile, is not paused because of what Braze says about before.
    local pauses = settle.pause and state[1] ~= 'person' and settle.version == tonumber(state[3])
    local after = settle.pause and not pauses and 0 or settle.retry_after
    local retry_at = now + after
    count('in_flight', -#ids)
    count('waiting', #ids)
    redis.call('HSET', k_lane, 'flight_state', settle.flight_state, 'last', settle.attempt)
    redis.call('HDEL', k_lane, 'holder')
    redis.call('HINCRBY', k_lane, 'tries', 1)
    if pauses then
      redis.call('HSET', k_state, 'paused', 'braze', 'paused_because', settle.pause, 'probe_at', retry_at)
      redis.call('HDEL', k_lane, 'retry_at')
    else
      redis.call('HSET', k_lane, 'retry_at', retry_at)
    end
    return wait_until(retry_at, 'retry', math.ceil(after) + 1000)
  end
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
      if verdict == 'x' then
        local dead = settle.dead[ids[i]]
        local entry = redis.call('XRANGE', k_in, ids[i], ids[i])[1][2]
        redis.call('XADD', P .. ':dlq', '*', 'b', entry[2], 'h', entry[4], 'p', entry[6], 'why', dead.why,
                   'details', dead.details, 'done', redis.call('HGET', k_done, ids[i]) or '', 'at', now)
      end
    end
  end
  if redis.call('EXISTS', k_cut) == 1 then
    -- Whoever is being unfolded stays so until nothing is left of what was folded.
    for _, person in ipairs(people) do
      local left = tonumber(string.match(redis.call('HGET', k_cut, person) or '', '^0 (%d+)$') or 0) - (gone_of[person] or 0)
      if left > 0 then redis.call('HSET', k_cut, person, '0 ' .. left) else redis.call('HDEL', k_cut, person) end
    end
  end
  for i = #back, 1, -1 do
    local id, person = ids[back[i]], settle.people[back[i]]
    local entry = redis.call('XRANGE', k_in, id, id)[1][2]
    freed = freed - #entry[2] - #entry[4]
    redis.call('LPUSH', P .. ':park:' .. person, id)
    redis.call('ZADD', k_parked, settle.sent and now + spacing or now, person)
    if settle.cut and (not settle.alone or settle.alone[person]) then
      redis.call('HSET', k_cut, person, settle.cut == '0' and '0 ' .. back_of[person] or settle.cut)
    end
  end
  if settle.done then
    for id, done in pairs(settle.done) do redis.call('HSET', k_done, id, done) end
  end
  if #gone > 0 then
    redis.call('XDEL', k_in, unpack(gone))
    redis.call('HDEL', k_done, unpack(gone))
  end
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
  count('bytes', -freed)
  if ARGV[4] ~= '' then
    redis.call('XADD', P .. ':settled', '*', 'n', tally.d + tally.f, 'h', ARGV[2], 'b', ARGV[3], 'r', ARGV[4],
               'v', settle.version, 'm', settle.attempt or '', 'at', now)
    count('kept', tally.d + tally.f)
  end
  if settle.sent then
    -- Whatever Braze says about the data, it knows the key.
    redis.call('HDEL', k_lane, 'tries', 'last')
    if state[1] == 'braze' then
      state[1] = ''
      redis.call('HSET', k_state, 'paused', '', 'paused_because', '')
      for other = 0, tonumber(state[5] or 0) - 1 do
        if redis.call('XLEN', P .. ':in:' .. other) > 0 then redis.call('ZADD', k_due, now, other) end
        if other ~= lane then redis.call('DEL', P .. ':wake:' .. other) end
      end
    end
  end
  redis.call('HDEL', k_lane, 'flight', 'flight_state', 'holder', 'flight_bytes', 'retry_at')
  flight, flight_state = '', ''
elseif flight_state == 'sent' then
  -- Whoever was handed this is gone, and nobody knows how far they came.
  local lost = #ids_of(flight)
  count('in_flight', -lost)
  count('waiting', lost)
  flight_state = known[4] == token and 'clean' or 'unknown'
  redis.call('HSET', k_lane, 'flight_state', flight_state)
  redis.call('HDEL', k_lane, 'holder')
  -- They renewed their lease every third of it, so that long ago they were at it no more.
  known[7] = now + spacing - ask.lease_ms * 2 / 3
  redis.call('HSET', k_lane, 'retry_at', known[7])
end

local length = redis.call('XLEN', k_in)
if length == 0 then
  leave(nil)
  return {'empty'}
end
if ask.release then
  leave(now, 5000)
  return {'more'}
end

-- 2. May Braze be called now? Pauses first, then the rate that all integrations of the workspace share.
if state[1] == 'person' or (state[4] or '') ~= '' then
  leave(nil)
  return {'paused'}
end
if state[1] == 'braze' then
  local probe_at = tonumber(state[2]) or 0
  if probe_at > now then
    leave(probe_at)
    return {'paused'}
  end
end
local retry_at = flight ~= '' and tonumber(known[7]) or 0
if retry_at > now then return wait_until(retry_at, 'retry', math.ceil(retry_at - now) + 1000) end
local gate = redis.call('HMGET', k_gate, 'until', 'tat', 'at')
if now < (tonumber(gate[3]) or 0) then
  -- The clock was set back, and the gate's times with it.
  local back = tonumber(gate[3]) - now
  gate[1], gate[2] = (tonumber(gate[1]) or 0) - back, tonumber(gate[2]) - back
  redis.call('HSET', k_gate, 'until', gate[1], 'tat', gate[2], 'at', now)
end
local closed_until = tonumber(gate[1]) or 0
-- A tenth of the limit may go at once, the rest is spread over the period: no window of that length exceeds the limit.
local burst = math.max(1, math.floor(ask.rate_requests / 10))
local interval = ask.rate_period_ms / math.max(1, ask.rate_requests - burst)
local tat = math.max(tonumber(gate[2]) or 0, now)
closed_until = math.max(closed_until, tat - (burst - 1) * interval)
if closed_until > now then return wait_until(closed_until, 'gate', math.ceil(closed_until - now) + 1000) end

-- 3. Who must wait because Braze has just answered for them, or because another integration is writing to them?
local others = {}
local function waits(people, again)
  local until_ = {}
  if #people == 0 then return until_ end
  local busy = redis.call('HMGET', k_busy, unpack(people))
  local cool, cooled
  if spacing > 0 then
    cool, cooled = redis.call('HMGET', k_cool, unpack(people)), redis.call('HMGET', k_cooled, unpack(people))
  end
  for i = 1, #people do
    local at = 0
    if cool then at = math.max(tonumber(cool[i] or 0), tonumber(cooled[i] or 0)) end
    if busy[i] then
      local mark, owner, kept = read_mark(busy[i])
      local theirs = owner ~= P and not kept
      -- A mark of our own is of a batch that was given up, or of an integration that was removed under this name.
      if mark > now and (theirs or not again) then
        at = math.max(at, math.min(mark, now + math.max(spacing, 100)))
        others[people[i]] = theirs
      end
    end
    if at > now then until_[people[i]] = at end
  end
  return until_
end

-- Keep the place of a batch that must go as it is, until all its people are free at once: else others, who take them
-- one by one, could keep it waiting for ever.
local function keep_place(people, at)
  local marks = {}
  for i = 1, #people do
    if not others[people[i]] then
      marks[#marks + 1], marks[#marks + 2] = people[i], math.ceil(at + math.max(spacing, 1000)) .. '? ' .. P
    end
  end
  if #marks > 0 then
    redis.call('HSET', k_busy, unpack(marks))
    redis.call('PEXPIRE', k_busy, 2 * ask.flight_ms + spacing)
  end
end

local ids, heads, bodies, people, in_batch, persons, objects, bytes = {}, {}, {}, {}, {}, 0, 0, 0
local function take(id, entry)
  local person, attributes, events = entry[6], tonumber(entry[8]), tonumber(entry[10])
  local more = events
  if attributes == 1 and not in_batch[person] then more = more + 1 end
  if #ids > 0 and (objects + more > ask.max_objects or #ids >= ask.max_entries
                   or bytes + #entry[2] > ask.max_bytes) then
    return false
  end
  ids[#ids + 1], heads[#heads + 1], bodies[#bodies + 1], people[#people + 1] = id, entry[4], entry[2], person
  if in_batch[person] == nil then persons = persons + 1 end
  in_batch[person] = in_batch[person] or attributes == 1
  objects, bytes = objects + more, bytes + #entry[2]
  return true
end

local cut, cursor, full = '', known[1] or '-', false
if flight ~= '' then
  -- 4a. What was handed out before and never settled comes first, exactly as it was.
  for _, id in ipairs(ids_of(flight)) do
    local entry = redis.call('XRANGE', k_in, id, id)[1][2]
    ids[#ids + 1], heads[#heads + 1], bodies[#bodies + 1], people[#people + 1] = id, entry[4], entry[2], entry[6]
    bytes = bytes + #entry[2]
  end
  local latest = 0
  for _, at in pairs(waits(distinct(people), true)) do latest = math.max(latest, at) end
  if latest > now then
    keep_place(distinct(people), latest)
    return wait_until(latest, 'spacing', math.ceil(latest - now) + 1000)
  end
  cut = string.match(redis.call('HGET', k_cut, people[1]) or '', '^%d*')
else
  -- 4b. People whose turn has come, each with all that waits for them.
  local turns = redis.call('ZRANGEBYSCORE', k_parked, '-inf', now, 'LIMIT', 0, math.min(ask.max_entries, ask.max_objects))
  local still = waits(turns)
  local cuts = #turns > 0 and redis.call('EXISTS', k_cut) == 1 and redis.call('HMGET', k_cut, unpack(turns)) or {}
  local most = ask.max_entries
  for i, person in ipairs(turns) do
    if still[person] then
      redis.call('ZADD', k_parked, still[person], person)
    else
      local mine = string.match(cuts[i] or '', '^%d*')
      if #ids == 0 then
        cut = mine
        if mine ~= '' then most = math.max(1, tonumber(mine)) end
      end
      if mine ~= cut or persons >= most then
        full = true
        break
      end
      local key = P .. ':park:' .. person
      local waiting = redis.call('LRANGE', key, 0, cut == '0' and 0 or ask.max_entries)
      local taken = 0
      for _, id in ipairs(waiting) do
        local found = redis.call('XRANGE', k_in, id, id)[1]
        if found and not take(id, found[2]) then
          full = true
          break
        end
        taken = taken + 1
      end
      if taken > 0 then redis.call('LTRIM', key, taken, -1) end
      if redis.call('LLEN', key) == 0 then
        redis.call('ZREM', k_parked, person)
      elseif taken > 0 then
        redis.call('ZADD', k_parked, now + ask.flight_ms, person)
      end
      if cut == '0' then full = true end
      if full then break end
    end
  end
  if cut ~= '' then full = true end
  -- 4c. Read on, setting aside what belongs to people who must still wait.
  local looked, more = 0, true
  while not full and looked < 300 do
    -- About as many as still fit: what is read and not taken is read again.
    local size = math.min(100, math.max(8, math.ceil((ask.max_objects - objects) / 2) + 2))
    local chunk = redis.call('XRANGE', k_in, cursor == '-' and '-' or '(' .. cursor, '+', 'COUNT', size)
    if #chunk == 0 then
      more = false
      break
    end
    local them = {}
    for i = 1, #chunk do them[i] = chunk[i][2][6] end
    them = distinct(them)
    local held_back, parked = waits(them), redis.call('ZMSCORE', k_parked, unpack(them))
    for i = 1, #them do
      if parked[i] and not held_back[them[i]] then held_back[them[i]] = tonumber(parked[i]) end
    end
    for i = 1, #chunk do
      local id, entry = chunk[i][1], chunk[i][2]
      local at = held_back[entry[6]]
      if at then
        redis.call('RPUSH', P .. ':park:' .. entry[6], id)
        redis.call('ZADD', k_parked, 'NX', at, entry[6])
      elseif not take(id, entry) then
        full = true
        break
      end
      cursor = id
      looked = looked + 1
    end
    if #chunk < size then
      more = false
      break
    end
  end
  redis.call('HSET', k_lane, 'cursor', cursor)
  if #ids == 0 and more and not full then return {'again'} end
end

if #ids == 0 then
  local first = redis.call('ZRANGE', k_parked, 0, 0, 'WITHSCORES')
  if not first[2] then
    -- Nothing set aside and nothing in flight, yet the stream holds something: read it from its beginning again.
    redis.call('HDEL', k_lane, 'cursor')
    return {'again'}
  end
  if tonumber(first[2]) > now + spacing + ask.flight_ms then
    -- The clock was set back: nobody waits for that.
    for _, person in ipairs(redis.call('ZRANGE', k_parked, 0, -1)) do redis.call('ZADD', k_parked, now + spacing, person) end
    first[2] = now + spacing
  end
  return wait_until(math.max(now + 1, tonumber(first[2])), 'spacing')
end

-- 5. Hand out: from here on the batch is in flight, whoever holds it.
count('waiting', -#ids)
count('in_flight', #ids)
if state[1] == 'braze' then redis.call('HSET', k_state, 'probe_at', now + ask.flight_ms) end
local mark, marks, once = math.ceil(now + ask.flight_ms + spacing) .. ' ' .. P, {}, distinct(people)
for i = 1, #once do
  marks[2 * i - 1], marks[2 * i] = once[i], mark
end
redis.call('HSET', k_busy, unpack(marks))
-- Its fields have no end of their own; the last of them that is left behind goes with the whole.
redis.call('PEXPIRE', k_busy, 2 * ask.flight_ms + spacing)
redis.call('HSET', k_gate, 'tat', tat + interval, 'at', now)
local sizes = bytes
for i = 1, #heads do sizes = sizes + #heads[i] end
local number = (tonumber(known[8]) or 0) + 1
redis.call('HSET', k_lane, 'flight', table.concat(ids, ' '), 'flight_state', 'sent', 'holder', token, 'flight_bytes', sizes,
           'number', number)
local done = ''
if redis.call('EXISTS', k_done) == 1 then
  local kept = redis.call('HMGET', k_done, unpack(ids))
  for i = 1, #ids do
    if kept[i] then done = done .. (done == '' and '' or ',') .. '"' .. ids[i] .. '":' .. kept[i] end
  end
end
return {'batch', table.concat(ids, ' '), '[' .. table.concat(heads, ',') .. ']', '[' .. table.concat(bodies, ',') .. ']',
        flight_state, cut, state[3] or '0',
        '{' .. done .. '}', redis.call('HGET', k_lane, 'tries') or '0', number,
        table.concat(people, ' ')}
