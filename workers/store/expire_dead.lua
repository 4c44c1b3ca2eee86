-- Let go of dead letters that have been dead for too long, oldest first: a bounded part of them, read one by one. They
-- count as discarded.
--
-- KEYS     {workspace}:integration, {workspace}
-- ARGV     id of the integration, oldest_ms to keep, most letters and most bytes of them in one call
-- Returns  {how many went, 1 if there may be more to go}
local P, W, integration, gone, most_bytes = KEYS[1], KEYS[2], ARGV[1], 0, tonumber(ARGV[4])

-- @include open_letters
-- @include letter_counts

local last = string.format('%.0f', tonumber(ARGV[2]) - 1)
local start, bytes, more = '-', 0, 1
while gone < tonumber(ARGV[3]) and bytes < most_bytes do
  local entry = redis.call('XRANGE', P .. ':dlq', start, last, 'COUNT', 1)[1]
  if not entry then
    more = 0
    break
  end
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'h' then close_letters(day_of(values[at + 1]), 1) end
    if values[at] == 'why' then count_letters(values[at + 1], -1) end
    bytes = bytes + #values[at + 1]
  end
  redis.call('XDEL', P .. ':dlq', entry[1])
  gone, start = gone + 1, '(' .. entry[1]
end
if gone > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'dead', -gone)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', gone)
  redis.call('HINCRBY', P .. ':ledger', 'expired', gone)
  redis.call('HINCRBY', P .. ':ledger', 'expired_dead', gone)
end
return {gone, more}
