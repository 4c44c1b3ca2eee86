-- Look for one submission in a stream, newest entries first, a bounded number of them.
--
-- KEYS[1]  the stream        ARGV  id to start below ('+' = at the newest), id to stop at, most entries, what its head holds
-- Returns  {id of the entry or '', id of the last entry looked at or '' if there are no more}
local page = redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
for _, entry in ipairs(page) do
  local values = entry[2]
  for at = 1, #values, 2 do
    if values[at] == 'h' and string.find(values[at + 1], ARGV[4], 1, true) then return {entry[1], entry[1]} end
  end
end
return {'', #page == tonumber(ARGV[3]) and page[#page][1] or ''}
