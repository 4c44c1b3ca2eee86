-- Look for submissions among the dead letters, oldest first, a bounded number of them.
--
-- KEYS[1]  the stream     ARGV  id to start at, id to stop at, most entries, then 'day digest' of each one looked for
-- Returns  {id of the last entry looked at or '' if there are no more, then id and stamp of each one found}
local wanted = {}
for at = 4, #ARGV do wanted[ARGV[at]] = true end
local page = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local found = {#page == tonumber(ARGV[3]) and page[#page][1] or ''}
for _, entry in ipairs(page) do
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'h' then
      local stamp, day, digest = string.match(values[at + 1], '^%[(%d+),(%d+),"(%x+)"')
      if day and wanted[day .. ' ' .. digest] then
        found[#found + 1] = entry[1]
        found[#found + 1] = stamp
      end
    end
  end
end
return found
