-- Take submissions out of a settled record. An entry of a stream cannot be changed, so the rest of the record is put
-- at the stream's end, with the time at which it was settled.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     job, for how long the numbers are kept (s), entry id, how many go, how many are left, and their heads, bodies
--          and results
-- Returns  how many went: none if the record is no longer there
local P, job, id, gone, left = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local found = redis.call('XRANGE', P .. ':settled', id, id)[1]
if not found then return 0 end
local rest, changed = found[2], {n = ARGV[5], h = ARGV[6], b = ARGV[7], r = ARGV[8]}
for at = 1, #rest, 2 do rest[at + 1] = changed[rest[at]] or rest[at + 1] end
redis.call('XDEL', P .. ':settled', id)
if left > 0 then redis.call('XADD', P .. ':settled', '*', unpack(rest)) end
redis.call('HINCRBY', P .. ':ledger', 'kept', -gone)
redis.call('HINCRBY', P .. ':ledger', 'expired', gone)
redis.call('HINCRBY', P .. ':job:' .. job, 'settled', gone)
redis.call('EXPIRE', P .. ':job:' .. job, ARGV[2])
return gone
