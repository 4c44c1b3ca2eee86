-- Put dead letters back behind what waits in their lanes, or note that they stay dead. All of a page, or none of it.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     'now_ms lanes most version job': '-' for the store's clock, lanes for an integration that has none yet, how
--          many may wait, the version of the rules they were judged by, id of the job; the time before which events are
--          left out, ms, or ''; then six for each letter: id of its entry, reason for which it stays dead or '',
--          'checksum-of-the-person attributes events', person, head, JSON of what P:done is to hold without its
--          end: the time of the replay and ']]}'
-- Returns  one text: 'stale' if the rules are others by now, 'redo' while what waits is judged again, 'full <room>' if
--          less may come on top of what waits, 'ok <how many were put back> <lanes to wake>'
local P = KEYS[1]

-- @include letter_counts
-- @include read_letter

local now, own_lanes, most, version, job = string.match(ARGV[1], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
now = tonumber(now)
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local now_text = string.format('%.0f', now)
local state, ledger = P .. ':state', P .. ':ledger'
local known = redis.call('HMGET', state, 'lanes', 'paused', 'probe_at', 'version', 'redo')
if known[4] ~= version then return 'stale' end
if (known[5] or '') ~= '' then return 'redo' end
local FIRST, WIDTH = 3, 6
local new = 0
for at = FIRST, #ARGV, WIDTH do
  if ARGV[at + 1] == '' then new = new + 1 end
end
if new > 0 then
  local waiting = new
  for _, count in ipairs(redis.call('HMGET', ledger, 'waiting', 'in_flight', 'held')) do
    waiting = waiting + (tonumber(count) or 0)
  end
  if waiting > tonumber(most) then return 'full ' .. math.max(0, tonumber(most) - waiting + new) end
end
local lanes = tonumber(known[1])
if not lanes then
  lanes = tonumber(own_lanes)
  redis.call('HSET', state, 'lanes', lanes)
end

local moved, bytes, woken = 0, 0, {}
for at = FIRST, #ARGV, WIDTH do
  local id, stays, head = ARGV[at], ARGV[at + 1], ARGV[at + 4]
  local letter = read_letter(P .. ':dlq', id)
  if letter and stays == '' then
    local checksum, attributes, events = string.match(ARGV[at + 2], '^(%S+) (%S+) (%S+)$')
    local lane = tonumber(checksum) % lanes
    local entry = redis.call('XADD', P .. ':in:' .. lane, '*', 'b', letter.b, 'h', head, 'p', ARGV[at + 3],
                             'a', attributes, 'e', events, 'n', (tonumber(letter.n) or 0) + 1, 't', now_text, 'c', ARGV[2])
    redis.call('HSET', P .. ':done:' .. lane, entry, ARGV[at + 5] .. now_text .. ']]}')
    redis.call('XDEL', P .. ':dlq', id)
    count_letters(letter.why, -1)
    moved, bytes, woken[lane] = moved + 1, bytes + #letter.b + #head, true
  end
  redis.call('ZREM', P .. ':job:' .. job, id)
  redis.call('HINCRBY', P .. ':jobdone:' .. job, letter and (stays == '' and 'done' or stays) or 'gone', 1)
end
if moved > 0 then
  redis.call('HINCRBY', ledger, 'dead', -moved)
  redis.call('HINCRBY', ledger, 'waiting', moved)
  redis.call('HINCRBY', ledger, 'bytes', bytes)
end

redis.call('EXPIRE', P .. ':jobdone:' .. job, 2592000)

local wake, paused = {}, known[2] or ''
for lane in pairs(woken) do
  if paused == '' then
    redis.call('ZADD', P .. ':due', 'LT', now_text, lane)
    if redis.call('SET', P .. ':wake:' .. lane, 1, 'NX', 'PX', 5000) then wake[#wake + 1] = lane end
  elseif paused == 'braze' then
    redis.call('ZADD', P .. ':due', 'NX', tonumber(known[3]) or now_text, lane)
  end
end
return 'ok ' .. moved .. ' ' .. table.concat(wake, ',')
