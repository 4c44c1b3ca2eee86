-- Let go of the messages that wait for one person, and of what is known of earlier ones; a bounded part at a time.
--
-- KEYS[1]  {workspace}:integration        ARGV  stream ('sends:<kind>' or 'sends:troubles'), person, id to start behind or '-'
-- Returns  {id to go on behind or '' at the end, how many went}
--
-- A message that is out already is let go too: its call ends as it would, and is not made again. What Braze said of one
-- that it did not send may name the person.
local P, CHUNK = KEYS[1], 200
local k_stream, after = P .. ':' .. ARGV[1], ARGV[3]
local gone = {}
local k_lane = P .. ':lane:' .. ARGV[1]
if redis.call('HGET', k_lane, 'problem_for') == ARGV[2] then
  redis.call('HDEL', k_lane, 'problem', 'problem_of', 'problem_at', 'problem_for')
end
local chunk = redis.call('XRANGE', k_stream, after == '-' and '-' or '(' .. after, '+', 'COUNT', CHUNK)
for _, found in ipairs(chunk) do
  for i = 1, #found[2], 2 do
    if found[2][i] == 'p' and found[2][i + 1] == ARGV[2] then gone[#gone + 1] = found[1] end
  end
  after = found[1]
end
if #gone > 0 then redis.call('XDEL', k_stream, unpack(gone)) end
return {#chunk == CHUNK and after or '', #gone}
