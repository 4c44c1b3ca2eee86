-- Part of step.lua: who must wait because Braze has just answered for them, or because somebody is writing to them.

-- Until when, whose, and whether a mark only keeps a place for a batch that waits for others.
local function read_mark(text)
  local at, kept, owner = string.match(text, '^([%d%.]+)(%??) (.*)$')
  return tonumber(at), owner, kept == '?'
end

local function cool_down(people, sent)
  local marks, mine = redis.call('HMGET', k_busy, unpack(people)), {}
  for i = 1, #people do
    local _, owner = read_mark(marks[i] or '')
    if owner == P then mine[#mine + 1] = people[i] end
  end
  if #mine > 0 then redis.call('HDEL', k_busy, unpack(mine)) end
  if not sent or spacing <= 0 then return end
  local pairs_ = {}
  for i = 1, #people do
    pairs_[2 * i - 1], pairs_[2 * i] = people[i], now + spacing
  end
  redis.call('HSET', k_cool, unpack(pairs_))
  redis.call('PEXPIRE', k_cool, 2 * spacing + 1000)
end

local others = {}
-- Person -> when they may be written to again; who is free is left out.
local function waits(people, again)
  local until_ = {}
  if #people == 0 then return until_ end
  local busy = redis.call('HMGET', k_busy, unpack(people))
  local cool, cooled
  if spacing > 0 then
    cool, cooled = redis.call('HMGET', k_cool, unpack(people)), redis.call('HMGET', k_cooled, unpack(people))
  end
  for i = 1, #people do
    local at = 0
    if cool then at = math.max(tonumber(cool[i] or 0), tonumber(cooled[i] or 0)) end
    if busy[i] then
      local mark, owner, kept = read_mark(busy[i])
      local theirs = owner ~= P and not kept
      -- A mark of our own is of a batch that was given up, or of an integration that was removed under this name.
      if mark > now and (theirs or not again) then
        at = math.max(at, math.min(mark, now + math.max(spacing, 100)))
        others[people[i]] = theirs
      end
    end
    if at > now then until_[people[i]] = at end
  end
  return until_
end

local function mark_busy(people, text)
  local marks = {}
  for i = 1, #people do
    marks[2 * i - 1], marks[2 * i] = people[i], text
  end
  if #marks == 0 then return end
  redis.call('HSET', k_busy, unpack(marks))
  -- Its fields have no end of their own; the last of them that is left behind goes with the whole.
  redis.call('PEXPIRE', k_busy, 2 * ask.flight_ms + spacing)
end

local function keep_busy(people)
  mark_busy(people, math.ceil(now + ask.flight_ms + spacing) .. ' ' .. P)
end

-- Keep the place of a batch that must go as it is, until all its people are free at once: else others, who take them
-- one by one, could keep it waiting for ever.
local function keep_place(people, at)
  local mine = {}
  for i = 1, #people do
    if not others[people[i]] then mine[#mine + 1] = people[i] end
  end
  mark_busy(mine, math.ceil(at + math.max(spacing, 1000)) .. '? ' .. P)
end
