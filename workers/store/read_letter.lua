-- Part of other scripts: the dead letter of an entry, its fields by name; nil if it is not there any more.
local function read_letter(stream, id)
  local found = redis.call('XRANGE', stream, id, id)[1]
  if not found then return nil end
  local letter = {}
  for at = 1, #found[2], 2 do letter[found[2][at]] = found[2][at + 1] end
  return letter
end
