-- Give dead letters up for good; each stays searchable as a settled record.
--
-- KEYS     {workspace}:integration, {workspace}
-- ARGV     id of the integration, id of the job or '', then the id of each letter's entry
-- Returns  how many were there
local P, W, integration, job = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

-- @include open_letters
-- @include letter_counts
-- @include read_letter

local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local moved = 0
for at = 3, #ARGV do
  local id = ARGV[at]
  local letter = read_letter(P .. ':dlq', id)
  if letter then
    moved = moved + 1
    local before = (letter.done or '') ~= '' and letter.done or '{}'
    local told = '[["discarded",["' .. letter.why .. '"],{"died":' .. (letter.at or now) .. ',"done":' .. before .. '}]]'
    redis.call('XADD', P .. ':settled', '*', 'n', 1, 'h', '[' .. letter.h .. ']', 'b', '[' .. letter.b .. ']',
               'r', told, 'v', letter.v or '0', 'm', letter.details or '', 'at', now)
    redis.call('XDEL', P .. ':dlq', id)
    count_letters(letter.why, -1)
    close_letters(day_of(letter.h), 1)
  end
  if job ~= '' then
    redis.call('ZREM', P .. ':job:' .. job, id)
    redis.call('HINCRBY', P .. ':jobdone:' .. job, letter and 'done' or 'gone', 1)
  end
end
if job ~= '' then redis.call('EXPIRE', P .. ':jobdone:' .. job, 2592000) end
if moved > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'dead', -moved)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', moved)
  redis.call('HINCRBY', P .. ':ledger', 'kept', moved)
end
return moved
