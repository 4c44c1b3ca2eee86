-- Let go of settled records that are too old or too many, oldest first.
--
-- KEYS[1]  {workspace}:integration        ARGV  oldest_ms to keep, submissions to keep, most records in one call
-- Returns  how many submissions went
local P, gone = KEYS[1], 0
local kept = tonumber(redis.call('HGET', P .. ':ledger', 'kept') or 0)
for _, record in ipairs(redis.call('XRANGE', P .. ':settled', '-', '+', 'COUNT', ARGV[3])) do
  local at = tonumber(string.match(record[1], '^(%d+)'))
  if at >= tonumber(ARGV[1]) and kept - gone <= tonumber(ARGV[2]) then break end
  redis.call('XDEL', P .. ':settled', record[1])
  gone = gone + tonumber(record[2][2])
end
if gone > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'kept', -gone)
  redis.call('HINCRBY', P .. ':ledger', 'expired', gone)
end
return gone
