-- An integration's figures as they are now, and the samples of one ring. Writes nothing.
--
-- KEYS[1]  {workspace}:integration        ARGV  now_ms ('' = the store's clock), name of the ring, the ledger's counters
-- Returns  {now, figures ('' = none), latency, then of each sample, oldest first: ms, figures, latency, since}
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

-- @include oldest
-- @include flow_now

local told = {now, figures_now(3) or '', latency_now()}
for _, sample in ipairs(redis.call('XRANGE', P .. ':flow:' .. ARGV[2], '-', '+')) do
  local values = sample[2]
  told[#told + 1] = string.match(sample[1], '^%d+')
  told[#told + 1], told[#told + 2], told[#told + 3] = values[2], values[4], values[6]
end
return told
