-- Let go of what waits in a draft because the person who made it is to be forgotten. Nothing there is in flight or set
-- aside for a person, as nobody has a place in a batch yet.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     lane, job, for how long the numbers are kept, s; then entry ids
-- Returns  how many went; 0 also where the draft was set up meanwhile, and all of it lies elsewhere
local P, lane, job = KEYS[1], ARGV[1], ARGV[2]
local k_in, went, freed = P .. ':in:' .. lane, 0, 0
for at = 4, #ARGV do
  local found = redis.call('XRANGE', k_in, ARGV[at], ARGV[at])[1]
  if found then
    redis.call('XDEL', k_in, ARGV[at])
    -- As accept.lua writes it: b, its value, h, its value.
    went, freed = went + 1, freed + #found[2][2] + #found[2][4]
  end
end
if went > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'waiting', -went)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', went)
  redis.call('HINCRBY', P .. ':ledger', 'bytes', -freed)
  redis.call('HINCRBY', P .. ':job:' .. job, 'waiting', went)
  redis.call('EXPIRE', P .. ':job:' .. job, ARGV[3])
end
return went
