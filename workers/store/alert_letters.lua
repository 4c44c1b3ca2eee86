-- Count the dead letters after one, newest first, without their bodies leaving the store. Writes nothing.
--
-- KEYS[1]  {workspace}:integration:dlq        ARGV  where to stop ('(id' or '-'), most letters, most bytes to read
-- Returns  {id of the newest ('' = none), how many, 1 if there are more, reasons of the newest five ...}
local PAGE, TOLD = 10, 5
local most, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local newest, count, bytes, reasons, from = '', 0, 0, {}, '+'
while true do
  local page = redis.call('XREVRANGE', KEYS[1], from, ARGV[1], 'COUNT', PAGE)
  for _, letter in ipairs(page) do
    if count >= most or bytes > most_bytes then return {newest, count, 1, unpack(reasons)} end
    count = count + 1
    if count == 1 then newest = letter[1] end
    for i = 1, #letter[2], 2 do
      bytes = bytes + #letter[2][i + 1]
      if letter[2][i] == 'why' and count <= TOLD then reasons[#reasons + 1] = letter[2][i + 1] end
    end
    from = '(' .. letter[1]
  end
  if #page < PAGE then return {newest, count, 0, unpack(reasons)} end
end
