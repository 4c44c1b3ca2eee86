-- Let go of settled records that are too old or too many, oldest first: a bounded part of them, read one by one.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     oldest_ms to keep, submissions to keep, most records and most bytes of them in one call
-- Returns  {how many submissions went, 1 if there may be more to go}
local P, gone, most_bytes = KEYS[1], 0, tonumber(ARGV[4])
local kept = tonumber(redis.call('HGET', P .. ':ledger', 'kept') or 0)
local start, looked, bytes, more = '-', 0, 0, 1
while looked < tonumber(ARGV[3]) and bytes < most_bytes do
  local record = redis.call('XRANGE', P .. ':settled', start, '+', 'COUNT', 1)[1]
  local at = record and tonumber(string.match(record[1], '^(%d+)'))
  if not record or (at >= tonumber(ARGV[1]) and kept - gone <= tonumber(ARGV[2])) then
    more = 0
    break
  end
  for field = 2, #record[2], 2 do bytes = bytes + #record[2][field] end
  redis.call('XDEL', P .. ':settled', record[1])
  gone, looked, start = gone + tonumber(record[2][2]), looked + 1, '(' .. record[1]
end
if gone > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'kept', -gone)
  redis.call('HINCRBY', P .. ':ledger', 'expired', gone)
end
return {gone, more}
