-- Part of other scripts, which know P: the days of which is known what was accepted then (P:seen:<day>).
--
-- P:state  hash  seen_days: those days, with blanks between, oldest first; seen_from: the first of them, where an earlier
--                version has written it and every day since then may be one

-- `days` and `from` as they stand in P:state; also returns whether they stood there as they do now.
local function seen_days(days, from, today)
  local found = {}
  if days then
    for day in string.gmatch(days, '%d+') do found[#found + 1] = tonumber(day) end
    return found, true
  end
  for day = tonumber(from) or today, today do
    if redis.call('EXISTS', P .. ':seen:' .. day) == 1 then found[#found + 1] = day end
  end
  return found, false
end

-- Whether it was not among them; the clock may have been set back.
local function add_day(days, day)
  for at = #days, 1, -1 do
    if days[at] == day then return false end
  end
  days[#days + 1] = day
  table.sort(days)
  return true
end

local function keep_days(days)
  redis.call('HSET', P .. ':state', 'seen_days', table.concat(days, ' '))
  redis.call('HDEL', P .. ':state', 'seen_from')
end
