-- Look for submissions among the dead letters, oldest first: a bounded part of them, read one by one.
--
-- KEYS[1]  the stream
-- ARGV     id to start at, id to stop at, most entries, most bytes of them, then 'day digest' of each one looked for
-- Returns  {id of the last entry looked at or '' if there are no more, then id and stamp of each one found}
local start, looked, bytes, most, most_bytes = ARGV[1], 0, 0, tonumber(ARGV[3]), tonumber(ARGV[4])
local wanted, found, last = {}, {''}, ''
for at = 5, #ARGV do wanted[ARGV[at]] = true end
while looked < most and bytes < most_bytes do
  local entry = redis.call('XRANGE', KEYS[1], start, ARGV[2], 'COUNT', 1)[1]
  if not entry then return found end
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'h' then
      local stamp, day, digest = string.match(values[at + 1], '^%[(%d+),(%d+),"(%x+)"')
      if day and wanted[day .. ' ' .. digest] then
        found[#found + 1] = entry[1]
        found[#found + 1] = stamp
      end
    end
    bytes = bytes + #values[at + 1]
  end
  last, looked, start = entry[1], looked + 1, '(' .. entry[1]
end
found[1] = last
return found
