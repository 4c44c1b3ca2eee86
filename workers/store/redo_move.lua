-- Move entries to where the new rules want them: a lane of the new set, what is held, the dead letters, or the settled.
-- What has been judged as held before somebody who identifies themselves goes ahead of them, as in accept.lua.
--
-- KEYS[1]  {workspace}:integration        KEYS[2]  {workspace}
-- ARGV     token, id of the integration, 'version hold_us most_held': the version of the rules, for how long one is held
--          and how many are under one mark; then ten for each entry: stream it is in, id, destination (lane, held,
--          filtered, dead), lane or reason, person, head, attributes, events, [kind, value, alias label] or null, marks
-- Returns  how many were moved, or -1 if another has taken over
local P, W, integration, moved = KEYS[1], KEYS[2], ARGV[2], 0
local version, hold_us, most_held = string.match(ARGV[3], '^(%S+) (%S+) (%S+)$')
hold_us, most_held = tonumber(hold_us), tonumber(most_held)
if redis.call('GET', P .. ':lease:0') ~= ARGV[1] or redis.call('HEXISTS', P .. ':state', 'redo') == 0 then return -1 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
-- @include open_letters
-- @include letter_counts
-- @include held

local function into_lane(entry, lane, person, head, attributes, events, whose, marks)
  local stream, k_done = P .. ':new:' .. lane, P .. ':newdone:' .. lane
  -- A replayed one was accepted long before.
  local theirs = entry.n and {} or held_under('new', marks, order_of(head), hold_us)
  join('new', theirs, stream, k_done, order_of(head) - #theirs, person, whose)
  local id = redis.call('XADD', stream, '*', 'b', entry.b, 'h', head, 'p', person, 'a', attributes, 'e', events,
                        unpack(entry.replay))
  if entry.d then redis.call('HSET', k_done, id, entry.d) end
  count('waiting', 1)
  count('bytes', #entry.b + #head)
end

local function into_letters(entry, why, head)
  redis.call('XADD', P .. ':dlq', '*', 'b', entry.b, 'h', head, 'p', '', 'why', why, 'done', entry.d or '', 'at', now,
             'v', version, 'n', entry.n or 0)
  count('dead', 1)
  count_letters(why, 1)
  count('died', 1)
  if not entry.n then open_letter(day_of(head)) end
end

local function into_settled(entry, why, head)
  redis.call('XADD', P .. ':settled', '*', 'n', 1, 'h', '[' .. head .. ']', 'b', '[' .. entry.b .. ']',
             'r', '[["filtered",["' .. why .. '"]' .. (entry.d and ',{"done":' .. entry.d .. '}' or '') .. ']]',
             'v', version, 'at', now)
  count('filtered', 1)
  count('kept', 1)
  if entry.n then close_letters(day_of(head), 1) end
end

for at = 4, #ARGV, 10 do
  local name, id, destination, where, person, head, attributes, events, whose, marks = unpack(ARGV, at, at + 9)
  local found = redis.call('XRANGE', P .. ':' .. name, id, id)[1]
  if found then
    local entry = read_held(found)
    entry.replay = {}
    if name == 'held' then
      take_out('', {entry})
    else
      local k_done = P .. ':done:' .. (string.match(name, '^in:(%d+)$') or '')
      entry.replay = {unpack(found[2], 11)}
      entry.d = redis.call('HGET', k_done, id) or nil
      if entry.d then redis.call('HDEL', k_done, id) end
      redis.call('XDEL', P .. ':' .. name, id)
      count('waiting', -1)
      count('bytes', -#entry.b - #entry.h)
    end
    if destination == 'lane' then
      into_lane(entry, where, person, head, attributes, events, whose, marks)
    elseif destination == 'held' and not entry.n then
      entry.h, entry.a, entry.e = head, attributes, events
      hold('new', string.match(marks, '^%x+'), entry, most_held, now)
    elseif destination == 'dead' then
      into_letters(entry, where, head)
    else
      into_settled(entry, where, head)
    end
    moved = moved + 1
  end
end
write_ledger()
return moved
