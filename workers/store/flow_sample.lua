-- Add a sample of an integration's figures to each ring in which the last one is another.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     now_ms, where the names begin; then of each ring: its name, how many samples it holds, when its turn was before
--          ('' = never); then the names of the ledger's counters
-- Returns  how many samples were added
local P, now, names, added = KEYS[1], ARGV[1], tonumber(ARGV[2]), 0

-- @include oldest
-- @include flow_now

local figures, latency = figures_now(names), nil
if not figures then return 0 end
for at = 3, names - 1, 3 do
  local ring, since = P .. ':flow:' .. ARGV[at], ARGV[at + 2]
  local last = redis.call('XREVRANGE', ring, '+', '-', 'COUNT', 1)[1]
  if last and tonumber(string.match(last[1], '^%d+')) >= tonumber(now) then
    -- The clock was set back: a stream takes nothing older than what it holds.
    redis.call('DEL', ring)
    last, since = nil, ''
  end
  if not last or last[2][2] ~= figures then
    latency = latency or latency_now()
    redis.call('XADD', ring, 'MAXLEN', '=', ARGV[at + 1], now .. '-0', 's', figures, 'l', latency, 'f', since)
    added = added + 1
  end
end
return added
