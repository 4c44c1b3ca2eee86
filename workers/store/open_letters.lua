-- Part of other scripts, which know P, W and the id of the `integration`: open dead letters.
--
-- P:open   hash  day of acceptance -> how many letters of that day are open: dead, or replayed and not settled yet
-- W:open   set   integrations of the workspace with an open letter
-- W:times  hash  person -> which submission set which attribute last; kept for everybody written to while a letter is
--                open, so that a replay never goes back in time

-- The day of acceptance, out of a head.
local function day_of(head)
  return string.match(head, '^%[%d+,(%d+),')
end

local function open_letter(day)
  redis.call('HINCRBY', P .. ':open', day, 1)
  redis.call('SADD', W .. ':open', integration)
end

local function close_letters(day, number)
  if redis.call('HINCRBY', P .. ':open', day, -number) <= 0 then redis.call('HDEL', P .. ':open', day) end
  if redis.call('EXISTS', P .. ':open') == 0 then
    redis.call('SREM', W .. ':open', integration)
    if redis.call('EXISTS', W .. ':open') == 0 then redis.call('UNLINK', W .. ':times') end
  end
end
