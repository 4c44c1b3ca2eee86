-- Let go of dead letters that have been dead for too long, oldest first; they count as discarded.
--
-- KEYS     {workspace}:integration, {workspace}
-- ARGV     id of the integration, oldest_ms to keep, most letters in one call
-- Returns  how many went
local P, W, integration, gone = KEYS[1], KEYS[2], ARGV[1], 0

-- @include open_letters

local last = string.format('%.0f', tonumber(ARGV[2]) - 1)
for _, entry in ipairs(redis.call('XRANGE', P .. ':dlq', '-', last, 'COUNT', ARGV[3])) do
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'h' then close_letters(day_of(values[at + 1]), 1) end
  end
  redis.call('XDEL', P .. ':dlq', entry[1])
  gone = gone + 1
end
if gone > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'dead', -gone)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', gone)
  redis.call('HINCRBY', P .. ':ledger', 'expired', gone)
end
return gone
