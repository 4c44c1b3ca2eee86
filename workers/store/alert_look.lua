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

-- @include oldest
local oldest = oldest_waiting(number(state[3]), (state[4] or '') ~= '')
local newest = redis.call('XREVRANGE', P .. ':dlq', '+', '-', 'COUNT', 1)[1]
return {state[1] or '', state[2] or '', number(counts[1]) + number(counts[2]) + number(counts[3]), number(counts[4]),
        oldest and string.format('%.0f', oldest) or '', newest and newest[1] or ''}
