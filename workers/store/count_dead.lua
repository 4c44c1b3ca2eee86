-- Count dead letters by their reason, newest first, a bounded number of them.
--
-- KEYS[1]  the stream        ARGV  id to start below ('+' = at the newest), most entries
-- Returns  {id of the last entry looked at or '' if there are no more, then reason and number of each reason}
local page = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local counts, told = {}, {#page == tonumber(ARGV[2]) and page[#page][1] or ''}
for _, entry in ipairs(page) do
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'why' then counts[values[at + 1]] = (counts[values[at + 1]] or 0) + 1 end
  end
end
for why, count in pairs(counts) do
  told[#told + 1] = why
  told[#told + 1] = count
end
return told
