-- Part of step.lua and send_step.lua: may this kind of endpoint of the Braze workspace be called now? Asked by all lanes
-- of all its integrations, answered by what Braze has said, by what people have allowed, and by whether anybody is there
-- at all. Expects now, ask (rates, flight_ms), W and k_gate.
--
-- W:gate:track, W:gate:send  hash  all times in ms
--   at                   when the others were reckoned; a clock that was set back takes them along
--   until                closed by a 429
--   tat:<period>         per ceiling of that period: when the next request is due, were they spread evenly
--   limit, left, resets  as Braze's headers have it, `left` counted down by us; next: not before, while little is left
--   fails, opened, open_until, probe_until, closed_at   the breaker: failures in a row, how often it opened since, when
--                        one may try, until when one is trying, when Braze last worked again
--   limited              answers 429 in a row
-- W:ceilings    hash  integration id -> its ceilings, 'requests/period_ms' with blanks between; the lowest of a period wins

-- Failures in a row, of all lanes together, until only one tries at a time.
local BREAKS_AT, FIRST_PAUSE, LONGEST_PAUSE = 5, 1000, 30000
-- Two answers about one window name its end so differently, where they name seconds.
local SAME_WINDOW = 1500
-- Below this part of the limit, what is left is spread over the rest of the window.
local LITTLE = 0.2
local TIMES = {'until', 'resets', 'next', 'open_until', 'probe_until', 'closed_at'}
local gate, rates = {}, {}
local of_sends = k_gate == W .. ':gate:send'

local function gate_at(name)
  return tonumber(gate[name]) or 0
end

local function set_gate(...)
  local pairs_ = {...}
  for i = 1, #pairs_, 2 do gate[pairs_[i]] = pairs_[i + 1] end
  redis.call('HSET', k_gate, unpack(pairs_))
end

local function read_gate()
  if gate.at then return end
  local flat = redis.call('HGETALL', k_gate)
  for i = 1, #flat, 2 do gate[flat[i]] = flat[i + 1] end
  local back = gate_at('at') - now
  if back <= 0 then return end
  local moved = {'at', now}
  for name, value in pairs(gate) do
    local is_time = string.sub(name, 1, 4) == 'tat:'
    for i = 1, #TIMES do is_time = is_time or TIMES[i] == name end
    if is_time and tonumber(value) ~= 0 then
      moved[#moved + 1], moved[#moved + 2] = name, tonumber(value) - back
    end
  end
  set_gate(unpack(moved))
end

local function read_ceilings(text)
  for requests, period in string.gmatch(text, '([%d%.]+)/([%d%.]+)') do
    rates[period] = math.min(rates[period] or tonumber(requests), tonumber(requests))
  end
end

-- How many may go at once, and the time between two later ones: no window of the period's length, wherever it begins,
-- sees more than `requests`.
local function pace_of(requests, period)
  local burst = math.max(requests < 20 and 1 or 2, math.floor(requests / 20))
  return burst, tonumber(period) / math.max(1, requests - burst)
end

-- Whether Braze was found to work again after something had failed at that time.
local function answers_again(failed_at)
  if gate_at('open_until') > 0 then return gate_at('open_until') <= now end
  return gate_at('closed_at') > failed_at
end

local function gate_opens_at()
  local opens, why = gate_at('until'), 'rate_limited'
  local function no_sooner(at, because)
    if at > opens then opens, why = at, because end
  end
  if gate_at('open_until') > 0 then
    no_sooner(gate_at('open_until'), 'braze_away')
    if gate_at('probe_until') > now then no_sooner(math.min(gate_at('probe_until'), now + 1000), 'braze_away') end
  end
  if gate_at('resets') > now then
    if gate.left and tonumber(gate.left) <= 0 then no_sooner(gate_at('resets'), 'none_left') end
    no_sooner(gate_at('next'), 'few_left')
  end
  read_ceilings(ask.rates)
  if not of_sends and redis.call('EXISTS', W .. ':ceilings') == 1 then
    for _, text in ipairs(redis.call('HVALS', W .. ':ceilings')) do read_ceilings(text) end
  end
  for period, requests in pairs(rates) do
    local burst, interval = pace_of(requests, period)
    no_sooner(gate_at('tat:' .. period) - (burst - 1) * interval, 'ceiling')
  end
  return opens, why
end

local function pass_gate()
  local pairs_ = {'at', now}
  local function put(name, value) pairs_[#pairs_ + 1], pairs_[#pairs_ + 2] = name, value end
  for period, requests in pairs(rates) do
    local _, interval = pace_of(requests, period)
    put('tat:' .. period, math.max(gate_at('tat:' .. period), now) + interval)
  end
  if gate_at('open_until') > 0 then put('probe_until', now + ask.flight_ms) end
  local left, limit = tonumber(gate.left), tonumber(gate.limit)
  if left and limit then
    if gate_at('resets') <= now then
      -- A new window, of which nothing is known yet but its size.
      left = limit
      put('resets', 0)
    end
    put('left', left - 1)
    if gate_at('resets') > now and left < limit * LITTLE then
      put('next', now + (gate_at('resets') - now) / math.max(1, left))
    end
  end
  set_gate(unpack(pairs_))
end

-- The batch sent nothing: what was asked for may be had by others.
local function give_gate_back()
  read_gate()
  local pairs_ = {'at', now}
  local function put(name, value) pairs_[#pairs_ + 1], pairs_[#pairs_ + 2] = name, value end
  read_ceilings(ask.rates)
  for period, requests in pairs(rates) do
    local _, interval = pace_of(requests, period)
    put('tat:' .. period, gate_at('tat:' .. period) - interval)
  end
  if gate_at('probe_until') > now then put('probe_until', 0) end
  if gate.left then put('left', tonumber(gate.left) + 1) end
  set_gate(unpack(pairs_))
end

local function learn(told)
  if told.limit and told.left and told.reset then
    local resets, before = now + told.reset, gate_at('resets')
    if before == 0 or math.abs(resets - before) <= SAME_WINDOW then
      local left = gate.left and math.min(tonumber(gate.left), told.left) or told.left
      set_gate('limit', told.limit, 'left', left, 'resets', math.max(resets, before))
    elseif resets > before then
      set_gate('limit', told.limit, 'left', told.left, 'resets', resets, 'next', 0)
    end
  end
end

-- Let everybody come at once who waits for Braze to work again.
local function call_everybody()
  for _, id in ipairs(redis.call('HKEYS', W .. ':ceilings')) do
    local theirs = W .. ':' .. id
    local k_theirs = theirs .. (of_sends and ':sends:due' or ':due')
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', k_theirs, '(' .. now, '+inf')) do
      redis.call('ZADD', k_theirs, 'LT', now, other)
      redis.call('DEL', theirs .. ':wake:' .. other)
    end
  end
end

local function tell_gate(told)
  read_gate()
  learn(told)
  if told.closed_for then
    -- Of several that were out when it closed, only the first says anything new.
    if gate_at('until') <= now then redis.call('HINCRBY', k_gate, 'limited', 1) end
    set_gate('until', math.max(now + told.closed_for, gate_at('until')))
  elseif gate.limited and not told.away then
    redis.call('HDEL', k_gate, 'limited')
  end
  if told.away then
    -- Whoever was out already when it opened says nothing new.
    if gate_at('open_until') > now then return end
    if redis.call('HINCRBY', k_gate, 'fails', 1) >= BREAKS_AT or gate_at('open_until') > 0 then
      local opened = redis.call('HINCRBY', k_gate, 'opened', 1)
      local pause = math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ math.min(30, opened - 1))
      set_gate('at', now, 'open_until', now + pause * (0.5 + told.away / 2), 'probe_until', 0)
    end
  elseif gate.fails then
    redis.call('HDEL', k_gate, 'fails', 'opened', 'open_until', 'probe_until')
    if gate_at('open_until') > 0 then
      gate.open_until, gate.probe_until = nil, nil
      set_gate('closed_at', now, 'at', now)
      call_everybody()
    end
    gate.fails = nil
  end
end
