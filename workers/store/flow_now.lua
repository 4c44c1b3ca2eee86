-- Part of the scripts of flow.py, which know P: an integration's figures as they are now.

-- Args: where in ARGV the names of the ledger's counters begin; `waiting` and `in_flight` are the last two.
-- Returns a text, the figures in the order of their names and behind them when the oldest that waits was accepted (ms, 0
-- for none), with blanks between; nil where nothing has ever happened, or the integration was moved or removed.
local function figures_now(names)
  local told, some = redis.call('HMGET', P .. ':ledger', unpack(ARGV, names)), false
  for i = 1, #told do
    told[i] = told[i] or '0'
    some = some or told[i] ~= '0'
  end
  if not some then return nil end
  local state, oldest = redis.call('HMGET', P .. ':state', 'version', 'lanes', 'redo'), nil
  if not state[1] then return nil end
  if told[#told] ~= '0' or told[#told - 1] ~= '0' then
    oldest = oldest_waiting(tonumber(state[2] or nil) or 0, (state[3] or '') ~= '')
  end
  told[#told + 1] = string.format('%.0f', oldest or 0)
  return table.concat(told, ' ')
end

-- 'bucket count bucket count ...'
local function latency_now()
  return table.concat(redis.call('HGETALL', P .. ':latency'), ' ')
end
