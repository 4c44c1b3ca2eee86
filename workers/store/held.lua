-- Part of other scripts, which know P: what names nobody yet. The keys are described in holding.py; those with `new`
-- before their names take the place of the others when everything was judged again (redo.py).

-- What the ledger gets in the end; each of the functions below notes its part.
local change = {}
local function count(name, by)
  change[name] = (change[name] or 0) + by
end
local function write_ledger()
  for name, by in pairs(change) do
    if by ~= 0 then redis.call('HINCRBY', P .. ':ledger', name, string.format('%.0f', by)) end
  end
end

local function order_of(head)
  return tonumber(string.match(head, '^%[(%d+)'))
end

local function read_held(found)
  local entry, values = {id = found[1]}, found[2]
  for at = 1, #values, 2 do entry[values[at]] = values[at + 1] end
  return entry
end

local function take_one(new, entry)
  redis.call('XDEL', P .. ':' .. new .. 'held', entry.id)
  count('held', -1)
  count('bytes', -#entry.b - #entry.h)
end

local function take_out(new, entries)
  local k_held, k_hold, gone, marks = P .. ':' .. new .. 'held', P .. ':' .. new .. 'hold', {}, {}
  for _, entry in ipairs(entries) do
    gone[entry.id], marks[entry.m] = true, true
    take_one(new, entry)
  end
  for mark in pairs(marks) do
    local left = {}
    for id in string.gmatch(redis.call('HGET', k_hold, mark) or '', '%S+') do
      if not gone[id] then left[#left + 1] = id end
    end
    if #left > 0 then
      redis.call('HSET', k_hold, mark, table.concat(left, ' '))
    else
      redis.call('HDEL', k_hold, mark)
    end
  end
  if redis.call('XLEN', k_held) == 0 then redis.call('DEL', k_held) end
end

-- Settle them as filtered, because nobody came.
local function settle_held(entries, now)
  local heads, bodies = {}, {}
  for at, entry in ipairs(entries) do heads[at], bodies[at] = entry.h, entry.b end
  redis.call('XADD', P .. ':settled', '*', 'n', #entries, 'h', '[' .. table.concat(heads, ',') .. ']',
             'b', '[' .. table.concat(bodies, ',') .. ']',
             'r', '[' .. string.rep('["filtered",["no_identifier"]],', #entries - 1) .. '["filtered",["no_identifier"]]]',
             'at', string.format('%.0f', now))
  count('filtered', #entries)
  count('kept', #entries)
end

-- Hold one more. Where too many are held under its mark, the oldest of them is filtered.
local function hold(new, mark, entry, most, now)
  local k_held, k_hold = P .. ':' .. new .. 'held', P .. ':' .. new .. 'hold'
  local ids = redis.call('HGET', k_hold, mark) or ''
  -- An id and its blank are four letters at least, so most need no counting.
  if #ids + 1 >= 4 * most and select(2, string.gsub(ids, '%S+', '')) >= most then
    local id = string.match(ids, '^%S+')
    local oldest = read_held(redis.call('XRANGE', k_held, id, id)[1])
    settle_held({oldest}, now)
    take_one(new, oldest)
    ids = string.sub(ids, #id + 2)
  end
  local fields = {'b', entry.b, 'h', entry.h, 'm', mark, 'a', entry.a, 'e', entry.e}
  if entry.d then fields[11], fields[12] = 'd', entry.d end
  local id = redis.call('XADD', k_held, '*', unpack(fields))
  redis.call('HSET', k_hold, mark, ids == '' and id or ids .. ' ' .. id)
  count('held', 1)
  count('bytes', #entry.b + #entry.h)
end

-- What is held under any of these marks and was accepted at most so long before this order, in that order.
local function held_under(new, marks, order, hold_us)
  local k_held, k_hold, found = P .. ':' .. new .. 'held', P .. ':' .. new .. 'hold', {}
  for mark in string.gmatch(marks, '%x+') do
    for id in string.gmatch(redis.call('HGET', k_hold, mark) or '', '%S+') do
      local entry = read_held(redis.call('XRANGE', k_held, id, id)[1])
      entry.order, entry.place = order_of(entry.h), #found
      if entry.order >= order - hold_us then found[#found + 1] = entry end
    end
  end
  table.sort(found, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    return a.place < b.place
  end)
  return found
end

-- Put entries at the end of a lane as those of a person. They count as accepted then, so their orders are new.
local function join(new, entries, stream, k_done, first, person, whose)
  for at, entry in ipairs(entries) do
    local about, rest = string.match(entry.h, '^%[%d+,(%d+,"%x+"),null,(.*)$')
    local head = '[' .. string.format('%.0f', first + at - 1) .. ',' .. about .. ',' .. whose .. ',' .. rest
    local id = redis.call('XADD', stream, '*', 'b', entry.b, 'h', head, 'p', person, 'a', entry.a, 'e', entry.e)
    if entry.d then redis.call('HSET', k_done, id, entry.d) end
    count('waiting', 1)
    count('bytes', #entry.b + #head)
  end
  if #entries > 0 then take_out(new, entries) end
end
