-- Let go of dead letters because their person is to be forgotten.
--
-- KEYS[1]  {workspace}:integration        KEYS[2]  {workspace}
-- ARGV     job, the integration's id, for how long the numbers are kept, s; then entry ids
-- Returns  how many went
local P, W, integration, k_dlq, went = KEYS[1], KEYS[2], ARGV[2], KEYS[1] .. ':dlq', 0

-- @include open_letters
-- @include letter_counts

for at = 4, #ARGV do
  local found = redis.call('XRANGE', k_dlq, ARGV[at], ARGV[at])[1]
  if found then
    local letter = {}
    for place = 1, #found[2], 2 do letter[found[2][place]] = found[2][place + 1] end
    redis.call('XDEL', k_dlq, ARGV[at])
    close_letters(day_of(letter.h), 1)
    count_letters(letter.why, -1)
    went = went + 1
  end
end
if went > 0 then
  redis.call('HINCRBY', P .. ':ledger', 'dead', -went)
  redis.call('HINCRBY', P .. ':ledger', 'discarded', went)
  redis.call('HINCRBY', P .. ':job:' .. ARGV[1], 'dead', went)
  redis.call('EXPIRE', P .. ':job:' .. ARGV[1], ARGV[3])
end
return went
