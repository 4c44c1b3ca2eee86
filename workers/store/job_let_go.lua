-- Leave a job, and its place to whoever stands in line and had the least of one so far; it is kept for them for a moment.
--
-- KEYS     the job, its lease, its call, the line, then the places
-- ARGV     token, for how long nobody may take the job (0: anybody may), for how long a call for it is on its way (0: none
--          is), how long it was at work, how long its place is kept; all ms
-- Returns  id of the job whose turn it is now, or ''
local following = ''
for at = 5, #KEYS do
  if redis.call('GET', KEYS[at]) == ARGV[1] then
    following = redis.call('ZPOPMIN', KEYS[4])[1] or ''
    if following == '' then
      redis.call('DEL', KEYS[at])
    else
      redis.call('SET', KEYS[at], 'for ' .. following, 'PX', ARGV[5])
    end
  end
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[2], 'rests', 'PX', ARGV[2]) else redis.call('DEL', KEYS[2]) end
  if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[3], 1, 'PX', ARGV[3]) else redis.call('DEL', KEYS[3]) end
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'spent', ARGV[4]) end
end
return following
