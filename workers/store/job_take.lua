-- Become the only one at a job, on one of the few places for jobs at work; or stand in line for one.
--
-- KEYS     the job, its lease, its call, the line, then the places
-- ARGV     token, lease_ms, id of the job, for how long nobody else need call a job that stands in line, ms
-- Returns  1, or 0 if somebody else holds the lease, it rests, or every place is taken
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local place
for at = 5, #KEYS do
  local holder = redis.call('GET', KEYS[at])
  if holder == 'for ' .. ARGV[3] or not (holder or place) then place = KEYS[at] end
end
if place then
  redis.call('SET', place, ARGV[1], 'PX', ARGV[2])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
  redis.call('SET', KEYS[3], 1, 'PX', ARGV[2])
  redis.call('ZREM', KEYS[4], ARGV[3])
  return 1
end
redis.call('ZADD', KEYS[4], redis.call('HGET', KEYS[1], 'spent') or 0, ARGV[3])
redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
return 0
