-- How an integration is doing, without its bodies leaving the store. Writes nothing.
--
-- KEYS[1]  {workspace}:integration
-- Returns  {paused, paused_because, how many wait, are in flight or held, dead letters, ms of the oldest work that waits
--          ('' = none), id of the newest dead letter ('' = none)}; {} if the integration was moved or removed
local P = KEYS[1]
local state = redis.call('HMGET', P .. ':state', 'paused', 'paused_because', 'lanes', 'redo', 'version')
if not state[5] then return {} end
local counts = redis.call('HMGET', P .. ':ledger', 'waiting', 'in_flight', 'held', 'dead')

local function number(text)
  return tonumber(text or nil) or 0
end

local oldest
local function compare(stream)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first then return end
  local at, head
  for i = 1, #first[2], 2 do
    if first[2][i] == 't' then at = tonumber(first[2][i + 1]) end
    if first[2][i] == 'h' then head = first[2][i + 1] end
  end
  -- A head starts with the store's time of its acceptance, in microseconds.
  at = at or math.floor(number(string.match(head or '', '^%[(%d+)')) / 1000)
  if not oldest or at < oldest then oldest = at end
end

for lane = 0, number(state[3]) - 1 do
  compare(P .. ':in:' .. lane)
  -- What is being judged again lies there until all of it is.
  if (state[4] or '') ~= '' then compare(P .. ':new:' .. lane) end
end
if (state[4] or '') ~= '' then compare(P .. ':annex') end

local newest = redis.call('XREVRANGE', P .. ':dlq', '+', '-', 'COUNT', 1)[1]
return {state[1] or '', state[2] or '', number(counts[1]) + number(counts[2]) + number(counts[3]), number(counts[4]),
        oldest and string.format('%.0f', oldest) or '', newest and newest[1] or ''}
