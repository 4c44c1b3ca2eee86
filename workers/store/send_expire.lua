-- Let go of messages that have waited for too long, a bounded number at a time: counted, and told. What Braze said of one
-- that it did not send goes by the same time.
--
-- KEYS[1]  {workspace}:integration        ARGV  name ('sends:<kind>'), the oldest ms to keep, now_ms, how many at most
-- Returns  how many went
local P, name, oldest, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local k_out, gone = P .. ':' .. name, {}
if redis.call('EXISTS', P .. ':lease:' .. name) == 1 then return 0 end
local k_lane = P .. ':lane:' .. name
local said_at = redis.call('HGET', k_lane, 'problem_at')
if said_at and tonumber(said_at) < tonumber(oldest) then
  redis.call('HDEL', k_lane, 'problem', 'problem_of', 'problem_at', 'problem_for')
end
local flight = ' ' .. (redis.call('HGET', k_lane, 'flight') or '') .. ' '
for _, found in ipairs(redis.call('XRANGE', k_out, '-', '(' .. oldest .. '-0', 'COUNT', ARGV[4])) do
  if not string.find(flight, ' ' .. found[1] .. ' ', 1, true) then
    local entry = {}
    for i = 1, #found[2], 2 do entry[found[2][i]] = found[2][i + 1] end
    local told = cjson.decode(entry.s)
    redis.call('XADD', P .. ':sends:troubles', 'MAXLEN', '~', 10000, '*', 'what', 'dead', 'kind', entry.k, 'id', entry.i,
               'submission', told.submission, 'rule', told.rule, 'p', entry.p, 'status', 0,
               'words', 'It waited for too long.', 'at', now)
    gone[#gone + 1] = found[1]
  end
end
if #gone > 0 then
  redis.call('XDEL', k_out, unpack(gone))
  redis.call('HINCRBY', P .. ':ledger', 'send_dead', #gone)
end
return #gone
