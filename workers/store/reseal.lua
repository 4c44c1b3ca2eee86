-- Put values that were sealed anew in the place of those that were read, unless there are others by now.
--
-- KEYS[1]  komo:integration:<id>        ARGV  field, as it was read, sealed anew; and so on
-- Returns  how many took their place
local put = 0
for i = 1, #ARGV, 3 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    put = put + 1
  end
end
return put
