-- Part of send_step.lua: what became of the call that was handed out, and what travels in the next one.
--
-- A call that Braze refuses as a whole is halved until the culprit is alone: `groups` are the parts that are still to be
-- tried, their ids with blanks between, the parts with commas between.

local function ids_of(text)
  local ids = {}
  for id in string.gmatch(text or '', '%S+') do ids[#ids + 1] = id end
  return ids
end

local function entry_of(values)
  local entry = {}
  for i = 1, #values, 2 do entry[values[i]] = values[i + 1] end
  return entry
end

-- Nil for what is gone, because its person was forgotten meanwhile.
local function read(id)
  local found = redis.call('XRANGE', k_out, id, id)[1]
  return found and entry_of(found[2])
end

-- What a person should see: what was not sent, or nobody knows of. Without what it said.
local function note_trouble(entry, what, words)
  local told = cjson.decode(entry.s)
  redis.call('XADD', k_troubles, 'MAXLEN', '~', MOST_TROUBLES, '*', 'what', what, 'kind', entry.k, 'id', entry.i,
             'submission', told.submission, 'rule', told.rule, 'p', entry.p, 'status', settle and settle.status or 0,
             'words', words, 'at', now)
end

local function land()
  redis.call('HDEL', k_lane, 'flight', 'flight_state', 'holder', 'doubt_at', 'out_at', 'before')
  known.flight, known.flight_state, known.holder, known.doubt_at = nil, nil, nil, nil
end

-- `what` is the ledger's counter behind 'send_': dead or unknown; or sent.
local function finish(what, words)
  local ids = ids_of(known.flight)
  if what ~= 'sent' then
    for i = 1, #ids do
      local entry = read(ids[i])
      if entry then
        note_trouble(entry, what, words)
        if what == 'dead' then
          redis.call('HSET', k_lane, 'problem', words, 'problem_of', entry.i, 'problem_at', now, 'problem_for', entry.p)
        end
      end
    end
  elseif known.problem then
    local entry = ids[1] and read(ids[1])
    if entry and entry.i == known.problem_of then redis.call('HDEL', k_lane, 'problem', 'problem_of', 'problem_at', 'problem_for') end
  end
  if #ids > 0 then
    redis.call('HINCRBY', k_ledger, what == 'sent' and 'sent' or 'send_' .. what, #ids)
    redis.call('XDEL', k_out, unpack(ids))
  end
  land()
end

-- The flight goes out again as it was, though Braze may have been asked.
local function doubt()
  keep('flight_state', 'unknown')
  if not known.doubt_at then keep('doubt_at', known.out_at or now) end
end

local function halve()
  local ids, groups = ids_of(known.flight), known.groups or ''
  local middle = math.floor(#ids / 2)
  local parts = {table.concat(ids, ' ', 1, middle), table.concat(ids, ' ', middle + 1)}
  if groups ~= '' then parts[3] = groups end
  keep('groups', table.concat(parts, ','))
  land()
end

-- Nothing moves until a time; what was handed out goes out again.
local function put_off()
  if settle.flight_state == 'unknown' or known.before == 'unknown' then doubt() else keep('flight_state', 'clean') end
  keep('holder', nil)
end

local function settle_call()
  if settle.gate then tell_gate(settle.gate) end
  -- Without a usable key nothing was sent: what was asked for may be had by others.
  if settle.why and settle.status == 0 then give_gate_back() end
  if settle.outcome == 'sent' then finish('sent')
  elseif settle.outcome == 'dead' then finish('dead', settle.words)
  elseif settle.outcome == 'unknown' then finish('unknown', settle.words)
  elseif settle.outcome == 'halve' then halve()
  else put_off() end
  if settle.away then keep('fails', at('fails') + 1) elseif not settle.why then keep('fails', nil) end
  if settle.why then
    -- What was saved meanwhile is not paused because of what Braze says about before.
    if tostring(settle.version) == state[2] then
      redis.call('HSET', k_lane, 'paused_because', settle.why, 'paused_version', settle.version,
                 'probe_at', now + settle.after_ms)
      known.paused_because, known.paused_version = settle.why, state[2]
      known.probe_at = tostring(now + settle.after_ms)
    end
  elseif known.paused_because and (settle.outcome == 'sent' or settle.outcome == 'dead' or settle.outcome == 'halve') then
    -- Whatever Braze says about the messages, it lets us ask.
    redis.call('HDEL', k_lane, 'paused_because', 'paused_version', 'probe_at')
    known.paused_because = nil
  end
  if settle.after_ms and not settle.why then
    local retry_at = now + settle.after_ms
    if gate_at('open_until') > 0 then retry_at = math.min(retry_at, gate_at('open_until')) end
    keep('retry_at', retry_at)
    keep('failed_at', now)
  else
    keep('retry_at', nil)
    keep('failed_at', nil)
  end
end

-- A call that is out already goes again as it was; a part of one that was refused goes alone.
local function take_again(list)
  local ids, entries = {}, {}
  for _, id in ipairs(ids_of(list)) do
    local entry = read(id)
    if entry then ids[#ids + 1], entries[#entries + 1] = id, {entry.i, entry.s} end
  end
  return ids, entries
end

-- The oldest that waits, and others for the same campaign or canvas, each person once.
local function take_new(most)
  local ids, entries, persons, bytes, of = {}, {}, {}, 0, nil
  for _, found in ipairs(redis.call('XRANGE', k_out, '-', '+', 'COUNT', most == 1 and 1 or LOOK)) do
    local entry = entry_of(found[2])
    local ready_at = tonumber(entry.t) or 0
    -- A later time was written by a clock that was set back since.
    if ready_at > now and ready_at <= now + ask.spacing_ms then
      if #ids == 0 then return ids, entries, ready_at end
      break
    end
    if #ids >= most or (#ids > 0 and bytes + #entry.s > ask.most_bytes) then break end
    of = of or entry.i
    if entry.i == of and not persons[entry.p] then
      persons[entry.p] = true
      bytes = bytes + #entry.s
      ids[#ids + 1], entries[#entries + 1] = found[1], {entry.i, entry.s}
    end
  end
  return ids, entries
end

-- With few at a time, as long as nobody knows whether Braze works: a call without an answer is not made again.
local function take_calls(most)
  if most == 1 and known.flight_state ~= 'unknown' then
    land()
    keep('groups', nil)
  end
  if known.flight then
    if known.doubt_at and now - at('doubt_at') > ask.key_ms then
      finish('unknown', TOO_LATE)
    else
      local ids, entries = take_again(known.flight)
      if #ids > 0 then return ids, entries end
      land()
    end
  end
  while known.groups do
    local first, rest = string.match(known.groups, '^([^,]*),?(.*)$')
    keep('groups', rest ~= '' and rest or nil)
    local ids, entries = take_again(first)
    if #ids > 0 then return ids, entries end
  end
  return take_new(most)
end
