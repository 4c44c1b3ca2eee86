-- Accept submissions: dedupe, limit, append, due, wake. All of them, or none. What is held for somebody who identifies
-- themselves goes ahead of them.
--
-- KEYS[1]  {workspace}:integration, the prefix of the integration's keys
-- KEYS[2]  {workspace}, the prefix of what the workspace's integrations share
-- ARGV     'now_ms lanes most version id hold_us most_held': '-' for the store's clock, lanes for an integration whose
--          lanes are empty, how many may wait, the version of the rules it was judged by, for how long one is held and
--          how many are under one mark; then six for each submission: digest, its facts
--          'short-lived(1 or 0) destination(lane, held, filtered, dead) checksum-of-the-person attributes events digest
--          marks', the last in hexadecimal and separated by commas, or '-'; person or reason, body, and of its head
--          [kind, value, alias label] or null, and what follows
-- Returns  one text, which is read faster than nested lists: 'stale' if the rules are others by now, 'full <how many wait>', or
--          'ok', the lanes to wake, and for each submission its day, with a minus if it was there before: 'ok 0,3 20777 -20776'
local P, W = KEYS[1], KEYS[2]
local now, own_lanes, most, version, integration, hold_us, most_held =
  string.match(ARGV[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
now, hold_us, most_held = tonumber(now), tonumber(hold_us), tonumber(most_held)
local now_us = now and now * 1000
if not now then
  local t = redis.call('TIME')
  now, now_us = t[1] * 1000 + math.floor(t[2] / 1000), t[1] * 1000000 + t[2]
end
local today = math.floor(now / 86400000)
local state, ledger = P .. ':state', P .. ':ledger'
local known = redis.call('HMGET', state, 'seen_days', 'lanes', 'paused', 'probe_at', 'version', 'redo', 'order', 'seen_from')
if known[5] ~= version then return 'stale' end
local counts = redis.call('HMGET', ledger, 'waiting', 'in_flight', 'held')
local in_lanes, held = (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0), tonumber(counts[3]) or 0
local waiting = in_lanes + held
-- While everything is judged again (redo.py), what comes in waits to be judged last, whoever it may be of.
local redo = (known[6] or '') ~= ''

local lanes = tonumber(known[2])
if not lanes or (in_lanes == 0 and not redo and lanes ~= tonumber(own_lanes)) then
  lanes = tonumber(own_lanes)
  redis.call('HSET', state, 'lanes', lanes)
end

-- @include open_letters
-- @include letter_counts
-- @include held
-- @include seen_days

local function once_key(digest)
  return P .. ':once:' .. digest
end

local FIRST, WIDTH = 2, 6
local days, stood = seen_days(known[1], known[8], today)
-- Place -> day on which it was accepted before; and the places and digests of which that is not known.
local seen, left, digests, new = {}, {}, {}, 0
for at = FIRST, #ARGV, WIDTH do
  local place = (at - FIRST) / WIDTH + 1
  if string.sub(ARGV[at + 1], 1, 1) == '1' then
    seen[place] = tonumber(redis.call('GET', once_key(ARGV[at])) or nil)
    if not seen[place] then new = new + 1 end
  else
    left[#left + 1], digests[#digests + 1] = place, ARGV[at]
  end
end
-- The newest day first, and each day once for all of them: a day may be kept for a month.
for at = #days, 1, -1 do
  if #left == 0 then break end
  local found = redis.call('SMISMEMBER', P .. ':seen:' .. days[at], unpack(digests))
  for i = #left, 1, -1 do
    if found[i] == 1 then
      seen[left[i]] = days[at]
      table.remove(left, i)
      table.remove(digests, i)
    end
  end
end
new = new + #left
if new > 0 and waiting + new > tonumber(most) then
  return 'full ' .. waiting
end
local added = #left > 0 and add_day(days, today)
if added or not stood then keep_days(days) end

-- Orders rise also where the clock does not, and can be compared with those of the workspace's other integrations.
local order = math.max(now_us, (tonumber(known[7]) or 0) + 1)
local answers, wake, woken, duplicates, received = {}, {}, {}, 0, 0
local place = 0
for at = FIRST, #ARGV, WIDTH do
  place = place + 1
  local digest = ARGV[at]
  local short, destination, checksum, attributes, events, hex, marks =
    string.match(ARGV[at + 1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  local short_lived = short == '1'
  local day = seen[place]
  if not day then
    if short_lived then
      if not redis.call('SET', once_key(digest), today, 'NX', 'PX', 600000) then day = today end
    elseif redis.call('SADD', P .. ':seen:' .. today, digest) == 0 then
      day = today
    end
  end
  answers[#answers + 1] = day and -day or today
  if day then
    duplicates = duplicates + 1
  else
    local body, whose = ARGV[at + 3], ARGV[at + 4]
    local lane, theirs = tonumber(checksum) % lanes, {}
    if destination == 'lane' and held + (change.held or 0) > 0 and not redo then
      theirs = held_under('', marks, order, hold_us)
      join('', theirs, P .. ':in:' .. lane, P .. ':done:' .. lane, order, ARGV[at + 2], whose)
      order = order + #theirs
    end
    local head = '[' .. string.format('%.0f', order) .. ',' .. today .. ',"' .. hex .. '",' .. whose .. ',' .. ARGV[at + 5] .. ']'
    order, received = order + 1, received + 1
    if destination == 'lane' or (destination == 'held' and redo) then
      redis.call('XADD', redo and P .. ':annex' or P .. ':in:' .. lane, '*', 'b', body, 'h', head,
                 'p', destination == 'lane' and ARGV[at + 2] or '', 'a', attributes, 'e', events)
      count('waiting', 1)
      count('bytes', #body + #head)
      if not redo then woken[lane] = true end
    elseif destination == 'held' then
      hold('', string.match(marks, '^%x+'), {b = body, h = head, a = attributes, e = events}, most_held, now)
    elseif destination == 'dead' then
      redis.call('XADD', P .. ':dlq', '*', 'b', body, 'h', head, 'p', '', 'why', ARGV[at + 2], 'at', now, 'v', version)
      redis.call('HINCRBY', ledger, 'dead', 1)
      count_letters(ARGV[at + 2], 1)
      redis.call('HINCRBY', ledger, 'died', 1)
      open_letter(today)
    else
      redis.call('XADD', P .. ':settled', '*', 'n', 1, 'h', '[' .. head .. ']', 'b', '[' .. body .. ']',
                 'r', '[["filtered",["' .. ARGV[at + 2] .. '"]]]', 'at', now)
      redis.call('HINCRBY', ledger, 'filtered', 1)
      redis.call('HINCRBY', ledger, 'kept', 1)
    end
  end
end
if received > 0 then
  redis.call('HINCRBY', ledger, 'received', received)
  redis.call('HSET', state, 'order', string.format('%.0f', order - 1))
end
if duplicates > 0 then redis.call('HINCRBY', ledger, 'duplicates', duplicates) end
write_ledger()

local paused = known[3] or ''
for lane in pairs(woken) do
  if paused == '' then
    redis.call('ZADD', P .. ':due', 'LT', now, lane)
    if redis.call('SET', P .. ':wake:' .. lane, 1, 'NX', 'PX', 5000) then wake[#wake + 1] = lane end
  elseif paused == 'braze' then
    redis.call('ZADD', P .. ':due', 'NX', tonumber(known[4]) or now, lane)
  end
end
return 'ok ' .. table.concat(wake, ',') .. ' ' .. table.concat(answers, ' ')
