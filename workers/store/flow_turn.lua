-- Say which rings are to be sampled now, each once in a step of its own, whoever asks.
--
-- KEYS[1]  komo:flow        ARGV  now_ms ('' = the store's clock), then name and step (ms) of each ring
-- Returns  {now, then of each ring whose turn it is: its name, when its turn was before ('' = never)}
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local names, turns, set = {}, {now}, {}
for at = 2, #ARGV, 2 do names[#names + 1] = ARGV[at] end
local looked = redis.call('HMGET', KEYS[1], unpack(names))
for i, name in ipairs(names) do
  local last, step = looked[i], tonumber(ARGV[2 * i + 1])
  local steps = last and math.floor(now / step) - math.floor(tonumber(last) / step)
  -- A clock that was set back a little has its turn when it is there again; one that was far ahead, at once.
  if not last or steps > 0 or steps < -1 then
    set[#set + 1], set[#set + 2] = name, string.format('%.0f', now)
    turns[#turns + 1], turns[#turns + 2] = name, last or ''
  end
end
if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end
return turns
