-- Take a delivered alert out of the outbox; whoever raises one at the same moment finds the box as it is.
--
-- KEYS     komo:alerts, {komo:alerts}:next        ARGV  id of the alert, now_ms
local box, next_ = KEYS[1], KEYS[2]
redis.call('XDEL', box, ARGV[1])
if redis.call('XLEN', box) == 0 then
  redis.call('DEL', box, next_)
else
  redis.call('HDEL', next_, 'tries')
  redis.call('HSET', next_, 'due', ARGV[2])
end
return 1
