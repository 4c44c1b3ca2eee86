-- Part of other scripts, which know P: when the oldest work that waits in the lanes was accepted or replayed, in ms, or nil.

-- Args: how many lanes there are, whether all is being judged again.
local function oldest_waiting(lanes, redo)
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
    at = at or math.floor((tonumber(string.match(head or '', '^%[(%d+)') or nil) or 0) / 1000)
    if not oldest or at < oldest then oldest = at end
  end
  for lane = 0, lanes - 1 do
    compare(P .. ':in:' .. lane)
    -- What is being judged again lies there until all of it is.
    if redo then compare(P .. ':new:' .. lane) end
  end
  if redo then compare(P .. ':annex') end
  return oldest
end
