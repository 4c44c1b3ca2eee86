-- End a job that is not over; whoever is at work on it loses it.
--
-- KEYS     the job, its lease, its call, the line, the ids of open jobs
-- ARGV     id of the job, seconds to keep it, then name and value for each field
-- Returns  1, or 0 if it is not open
if redis.call('SREM', KEYS[5], ARGV[1]) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for at = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
