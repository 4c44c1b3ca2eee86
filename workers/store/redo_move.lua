-- Move entries to where the new rules want them: a lane of the new set, the dead letters, or the settled.
--
-- KEYS[1]  {workspace}:integration        KEYS[2]  {workspace}
-- ARGV     token, id of the integration, version of the rules, then eight for each entry: stream it is in, id, destination
--          (lane, filtered, dead), lane or reason, person, head, attributes, events
-- Returns  how many were moved, or -1 if another has taken over
local P, W, integration, version, moved = KEYS[1], KEYS[2], ARGV[2], ARGV[3], 0
if redis.call('GET', P .. ':lease:0') ~= ARGV[1] or redis.call('HEXISTS', P .. ':state', 'redo') == 0 then return -1 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
-- @include open_letters
for at = 4, #ARGV, 8 do
  local stream, id, destination, head = P .. ':' .. ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 5]
  local found = redis.call('XRANGE', stream, id, id)[1]
  if found then
    local body, old_head, replays = found[2][2], found[2][4], found[2][12]
    local k_done = P .. ':done:' .. (string.match(ARGV[at], '^in:(%d+)$') or '')
    local done = redis.call('HGET', k_done, id)
    if destination == 'lane' then
      local new = redis.call('XADD', P .. ':new:' .. ARGV[at + 3], '*', 'b', body, 'h', head, 'p', ARGV[at + 4],
                             'a', ARGV[at + 6], 'e', ARGV[at + 7], unpack(found[2], 11))
      if done then redis.call('HSET', P .. ':newdone:' .. ARGV[at + 3], new, done) end
      redis.call('HINCRBY', P .. ':ledger', 'bytes', #head - #old_head)
    else
      redis.call('HINCRBY', P .. ':ledger', 'waiting', -1)
      redis.call('HINCRBY', P .. ':ledger', 'bytes', -#body - #old_head)
      redis.call('HINCRBY', P .. ':ledger', destination, 1)
      if destination == 'dead' then
        redis.call('XADD', P .. ':dlq', '*', 'b', body, 'h', head, 'p', '', 'why', ARGV[at + 3], 'done', done or '', 'at', now,
                   'v', version, 'n', replays or 0)
        if not replays then open_letter(day_of(head)) end
      else
        redis.call('XADD', P .. ':settled', '*', 'n', 1, 'h', '[' .. head .. ']', 'b', '[' .. body .. ']',
                   'r', '[["filtered",["' .. ARGV[at + 3] .. '"]' .. (done and ',{"done":' .. done .. '}' or '') .. ']]',
                   'v', version, 'at', now)
        redis.call('HINCRBY', P .. ':ledger', 'kept', 1)
        if replays then close_letters(day_of(head), 1) end
      end
    end
    if done then redis.call('HDEL', k_done, id) end
    redis.call('XDEL', stream, id)
    moved = moved + 1
  end
end
return moved
