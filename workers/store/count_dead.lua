-- Count dead letters by their reason, newest first: a bounded part of them, read one by one.
--
-- KEYS[1]  the stream        ARGV  id to start below ('+' = at the newest), most entries, most bytes of them
-- Returns  {id of the last entry looked at or '' if there are no more, then reason and number of each reason}
local start, looked, bytes, most, most_bytes = ARGV[1], 0, 0, tonumber(ARGV[2]), tonumber(ARGV[3])
local counts, last = {}, ''
while looked < most and bytes < most_bytes do
  local entry = redis.call('XREVRANGE', KEYS[1], start, '-', 'COUNT', 1)[1]
  if not entry then
    last = ''
    break
  end
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'why' then counts[values[at + 1]] = (counts[values[at + 1]] or 0) + 1 end
    bytes = bytes + #values[at + 1]
  end
  last, looked, start = entry[1], looked + 1, '(' .. entry[1]
end
local told = {last}
for why, count in pairs(counts) do
  told[#told + 1] = why
  told[#told + 1] = count
end
return told
