-- Give a number to each name that has none.
--
-- KEYS[1]  {workspace}        ARGV  names
-- Returns  every name of the workspace and its number, by turns
local k_names = KEYS[1] .. ':names'
for i = 1, #ARGV do
  if redis.call('HEXISTS', k_names, ARGV[i]) == 0 then
    redis.call('HSET', k_names, ARGV[i], redis.call('HLEN', k_names) + 1)
  end
end
return redis.call('HGETALL', k_names)
