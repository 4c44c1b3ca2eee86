-- Filter what was held for too long, oldest first.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     now, ms; the first order that is held on, most submissions and about how many bytes of them in one call
-- Returns  how many went; none while what is held is judged again
local P = KEYS[1]

-- @include held

if (redis.call('HGET', P .. ':state', 'redo') or '') ~= '' then return 0 end
local first, most, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local CHUNK, entries, weight, after, ended = 20, {}, 0, '-', false
while not ended do
  local chunk = redis.call('XRANGE', P .. ':held', after, '+', 'COUNT', CHUNK)
  ended = #chunk < CHUNK
  for _, found in ipairs(chunk) do
    local entry = read_held(found)
    if order_of(entry.h) >= first or #entries >= most or weight >= most_bytes then
      ended = true
      break
    end
    entries[#entries + 1], weight, after = entry, weight + #entry.b, '(' .. entry.id
  end
end
if #entries > 0 then
  settle_held(entries, tonumber(ARGV[1]))
  take_out('', entries)
  write_ledger()
end
return #entries
