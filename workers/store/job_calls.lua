-- Find the jobs for which no call is on its way, and those in line for whom there is a place although nobody said so.
--
-- KEYS     the ids of open jobs, the line, then the places
-- ARGV     for how long their calls are on their way from now on, ms; beginning and end of the key of a call
-- Returns  ids
local found = {}
for at = 3, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then
    local first = redis.call('ZPOPMIN', KEYS[2])[1]
    if first then redis.call('DEL', ARGV[2] .. first .. ARGV[3]) end
  end
end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('SET', ARGV[2] .. id .. ARGV[3], 1, 'NX', 'PX', ARGV[1]) then found[#found + 1] = id end
end
return found
