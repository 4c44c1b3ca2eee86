-- Let go of what is held because the person who made it is to be forgotten.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     job, for how long the numbers are kept, s; then entry ids
-- Returns  how many went, or -1 while what is held is judged again
local P, job, entries = KEYS[1], ARGV[1], {}
if (redis.call('HGET', P .. ':state', 'redo') or '') ~= '' then return -1 end

-- @include held

for at = 3, #ARGV do
  local found = redis.call('XRANGE', P .. ':held', ARGV[at], ARGV[at])[1]
  if found then entries[#entries + 1] = read_held(found) end
end
if #entries > 0 then
  take_out('', entries)
  count('discarded', #entries)
  write_ledger()
  redis.call('HINCRBY', P .. ':job:' .. job, 'held', #entries)
  redis.call('EXPIRE', P .. ':job:' .. job, ARGV[2])
end
return #entries
