-- Write how far a job is and keep its lease and its place, keep these alone, or end the job.
--
-- KEYS     the job, its lease, the ids of open jobs, then the places for jobs at work
-- ARGV     token ('' for who writes while nobody holds it), lease_ms, seconds to keep the ended job (0: it goes on), then
--          name and value for each field
-- Returns  1, or 0 if somebody else holds the lease or the job is no longer there
local holder = redis.call('GET', KEYS[2]) or ''
if holder ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if holder ~= '' then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  for at = 4, #KEYS do
    if redis.call('GET', KEYS[at]) == holder then redis.call('PEXPIRE', KEYS[at], ARGV[2]) end
  end
end
for at = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
if tonumber(ARGV[3]) > 0 then
  redis.call('SREM', KEYS[3], redis.call('HGET', KEYS[1], 'id'))
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 1
