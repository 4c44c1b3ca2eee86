-- Accept submissions: dedupe, limit, append, due, wake. All of them, or none.
--
-- KEYS[1]  {workspace}:integration, the prefix of every key used here
-- ARGV     now_ms ('' = the store's clock), lanes for an integration whose lanes are empty, most that may wait,
--          version of the rules it was judged by, then nine for each submission: digest, short-lived ('1' or ''),
--          destination (lane, filtered, dead), person checksum, person, body, head, attributes, events
-- Returns  {'stale'} if the rules are others by now, {'full', how many wait}, or {'ok', {day, 'new' or 'again', ...}, {lane to wake, ...}}
local P = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local today = math.floor(now / 86400000)
local state, ledger = P .. ':state', P .. ':ledger'
local known = redis.call('HMGET', state, 'seen_from', 'lanes', 'paused', 'probe_at', 'version', 'redo')
if known[5] ~= ARGV[4] then return {'stale'} end
local counts = redis.call('HMGET', ledger, 'waiting', 'in_flight', 'held')
local waiting = (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0) + (tonumber(counts[3]) or 0)

local seen_from = tonumber(known[1])
if not seen_from then
  seen_from = today
  redis.call('HSET', state, 'seen_from', today)
end
local lanes = tonumber(known[2])
if not lanes or (waiting == 0 and lanes ~= tonumber(ARGV[2])) then
  lanes = tonumber(ARGV[2])
  redis.call('HSET', state, 'lanes', lanes)
end

local function once_key(digest)
  return P .. ':once:' .. digest
end

local function seen_on(digest, short_lived)
  if short_lived then
    return tonumber(redis.call('GET', once_key(digest)) or nil)
  end
  for day = today, seen_from, -1 do
    if redis.call('SISMEMBER', P .. ':seen:' .. day, digest) == 1 then return day end
  end
end

local FIRST, WIDTH = 5, 9
local seen, new = {}, 0
for at = FIRST, #ARGV, WIDTH do
  local day = seen_on(ARGV[at], ARGV[at + 1] == '1')
  seen[#seen + 1] = day or false
  if not day then new = new + 1 end
end
if new > 0 and waiting + new > tonumber(ARGV[3]) then
  return {'full', waiting}
end

local answers, wake, woken, bytes, waits, duplicates = {}, {}, {}, 0, 0, 0
local place = 0
for at = FIRST, #ARGV, WIDTH do
  place = place + 1
  local digest, short_lived = ARGV[at], ARGV[at + 1] == '1'
  local day = seen[place]
  if not day then
    if short_lived then
      if not redis.call('SET', once_key(digest), today, 'NX', 'PX', 600000) then day = today end
    elseif redis.call('SADD', P .. ':seen:' .. today, digest) == 0 then
      day = today
    end
  end
  answers[#answers + 1] = day or today
  if day then
    answers[#answers + 1] = 'again'
    duplicates = duplicates + 1
  else
    answers[#answers + 1] = 'new'
    local destination, body = ARGV[at + 2], ARGV[at + 5]
    local order = redis.call('HINCRBY', ledger, 'received', 1)
    local head = '[' .. order .. ',' .. today .. ',' .. ARGV[at + 6] .. ']'
    if destination == 'lane' then
      local lane = tonumber(ARGV[at + 3]) % lanes
      local redo = (known[6] or '') ~= ''
      redis.call('XADD', redo and P .. ':annex' or P .. ':in:' .. lane, '*', 'b', body, 'h', head, 'p', ARGV[at + 4],
                 'a', ARGV[at + 7], 'e', ARGV[at + 8])
      waits, bytes = waits + 1, bytes + #body + #head
      if not redo then woken[lane] = true end
    elseif destination == 'dead' then
      redis.call('XADD', P .. ':dlq', '*', 'b', body, 'h', head, 'p', '', 'why', ARGV[at + 4], 'at', now)
      redis.call('HINCRBY', ledger, 'dead', 1)
    else
      redis.call('XADD', P .. ':settled', '*', 'n', 1, 'h', '[' .. head .. ']', 'b', '[' .. body .. ']',
                 'r', '[["filtered",["' .. ARGV[at + 4] .. '"]]]', 'at', now)
      redis.call('HINCRBY', ledger, 'filtered', 1)
      redis.call('HINCRBY', ledger, 'kept', 1)
    end
  end
end
if duplicates > 0 then redis.call('HINCRBY', ledger, 'duplicates', duplicates) end
if waits > 0 then
  redis.call('HINCRBY', ledger, 'waiting', waits)
  redis.call('HINCRBY', ledger, 'bytes', bytes)
end

local paused = known[3] or ''
for lane in pairs(woken) do
  if paused == '' then
    redis.call('ZADD', P .. ':due', 'LT', now, lane)
    if redis.call('SET', P .. ':wake:' .. lane, 1, 'NX', 'PX', 10000) then wake[#wake + 1] = lane end
  elseif paused == 'braze' then
    redis.call('ZADD', P .. ':due', 'NX', tonumber(known[4]) or now, lane)
  end
end
return {'ok', answers, wake}
