-- Part of step.lua: who travels in the next batch.

local ids, heads, bodies, people, replays = {}, {}, {}, {}, {}
local in_batch, persons, objects, bytes = {}, 0, 0, 0
local cut, cursor, full = '', known[1] or '-', false
local most_objects = math.min(ask.max_objects, tonumber(state[6]) or ask.max_objects)
-- The bytes of a request are not those of the bodies in it, but where Braze took fewer, fewer are tried.
local most_bytes = math.min(ask.max_bytes, tonumber(state[7]) or ask.max_bytes)

local function put(id, entry)
  ids[#ids + 1], heads[#heads + 1], bodies[#bodies + 1], people[#people + 1] = id, entry[4], entry[2], entry[6]
  bytes = bytes + #entry[2]
  if entry[12] then replays[#replays + 1] = '"' .. id .. '":[' .. entry[12] .. ',' .. entry[14] .. ',"' .. entry[16] .. '"]' end
end

local function take(id, entry)
  local person, attributes, events = entry[6], tonumber(entry[8]), tonumber(entry[10])
  local more = events
  if attributes == 1 and not in_batch[person] then more = more + 1 end
  if #ids > 0 and (objects + more > most_objects or #ids >= ask.max_entries or bytes + #entry[2] > most_bytes) then
    return false
  end
  put(id, entry)
  if in_batch[person] == nil then persons = persons + 1 end
  in_batch[person] = in_batch[person] or attributes == 1
  objects = objects + more
  return true
end

-- What was handed out before and never settled comes first, exactly as it was; returns when all its people are free.
local function take_flight()
  for _, id in ipairs(ids_of(flight)) do put(id, redis.call('XRANGE', k_in, id, id)[1][2]) end
  local latest = 0
  for _, at in pairs(waits(distinct(people), true)) do latest = math.max(latest, at) end
  if latest > now then keep_place(distinct(people), latest) end
  cut = string.match(redis.call('HGET', k_cut, people[1]) or '', '^%d*')
  return latest
end

-- All that waits for one person, as far as it fits.
local function take_parked(person)
  local key, taken = P .. ':park:' .. person, 0
  for _, id in ipairs(redis.call('LRANGE', key, 0, cut == '0' and 0 or ask.max_entries)) do
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
end

-- People whose turn has come, each with all that waits for them.
local function take_turns()
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
      if mine ~= cut or persons >= most then full = true else take_parked(person) end
      if full then break end
    end
  end
  if cut ~= '' then full = true end
end

-- Read on from the cursor, setting aside what belongs to people who must still wait; returns whether there may be more.
local function read_on()
  local looked = 0
  while not full and looked < 300 do
    -- About as many as still fit: what is read and not taken is read again.
    local size = math.min(100, math.max(8, math.ceil((most_objects - objects) / 2) + 2))
    local chunk = redis.call('XRANGE', k_in, cursor == '-' and '-' or '(' .. cursor, '+', 'COUNT', size)
    if #chunk == 0 then return false end
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
    if #chunk < size then return false end
  end
  return true
end

-- When the first of those who were set aside has their turn.
local function next_turn()
  local first = redis.call('ZRANGE', k_parked, 0, 0, 'WITHSCORES')
  if not first[2] then return nil end
  if tonumber(first[2]) <= now + spacing + ask.flight_ms then return tonumber(first[2]) end
  -- The clock was set back: nobody waits for that.
  for _, person in ipairs(redis.call('ZRANGE', k_parked, 0, -1)) do redis.call('ZADD', k_parked, now + spacing, person) end
  return now + spacing
end

-- What the drain has to know beside the submissions themselves: nothing, as long as all goes well.
local function what_else(once, trouble)
  local told = {}
  local function tell(name, text) told[#told + 1] = '"' .. name .. '":' .. text end
  if redis.call('EXISTS', k_done) == 1 then
    local kept, done = redis.call('HMGET', k_done, unpack(ids)), {}
    for i = 1, #ids do
      if kept[i] then done[#done + 1] = '"' .. ids[i] .. '":' .. kept[i] end
    end
    tell('done', '{' .. table.concat(done, ',') .. '}')
  end
  if #replays > 0 then tell('replays', '{' .. table.concat(replays, ',') .. '}') end
  if redis.call('EXISTS', W .. ':open') == 1 then
    tell('guarded', 'true')
    local kept, times = redis.call('HMGET', W .. ':times', unpack(once)), {}
    for i = 1, #once do
      if kept[i] then times[#times + 1] = '"' .. once[i] .. '":' .. kept[i] end
    end
    tell('times', '{' .. table.concat(times, ',') .. '}')
  end
  local kept, before, known = redis.call('HMGET', k_known, unpack(once)), nil, {}
  for i = 1, #once do
    local text = kept[i]
    if not text then
      before = before or redis.call('HMGET', k_knew, unpack(once))
      text = before[i]
    end
    if text then known[#known + 1] = '"' .. once[i] .. '":' .. text end
  end
  if #known > 0 then tell('known', '{' .. table.concat(known, ',') .. '}') end
  if trouble[2] then tell('fails', trouble[2]) end
  if trouble[3] and trouble[3] ~= '' then tell('tried', trouble[3]) end
  if gate.limited then tell('limited', gate.limited) end
  if gate.limited or gate.fails then tell('shaky', 'true') end
  if state[6] and state[6] ~= '' then tell('max_objects', state[6]) end
  if state[7] and state[7] ~= '' then tell('request_bytes', state[7]) end
  if state[9] then tell('restored', state[9]) end
  return '{' .. table.concat(told, ',') .. '}'
end
