-- Forget what is remembered of one person beside their submissions: who set which attribute last, and the mark of a batch
-- that was out for this integration and never came back.
--
-- KEYS[1]  {workspace}:integration        KEYS[2]  {workspace}
-- ARGV     person, their lane
local P, W, person, lane = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
redis.call('HDEL', W .. ':times', person)
local mark = redis.call('HGET', W .. ':busy', person)
-- The marks of other integrations go when it is their turn.
if not mark or string.match(mark, '^%S+ (.*)$') ~= P then return end
for id in string.gmatch(redis.call('HGET', P .. ':lane:' .. lane, 'flight') or '', '%S+') do
  local found = redis.call('XRANGE', P .. ':in:' .. lane, id, id)[1]
  for at = 1, found and #found[2] or 0, 2 do
    -- They came back, and are being written to; the mark goes with that batch.
    if found[2][at] == 'p' and found[2][at + 1] == person then return end
  end
end
redis.call('HDEL', W .. ':busy', person)
