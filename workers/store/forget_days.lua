-- Forget what was accepted on days that are over: too old, and neither does anything of them wait nor is any letter open.
--
-- KEYS[1]  {workspace}:integration
-- ARGV     the first day to keep whatever became of it, today, the version of the rules when it was looked what waits
-- Returns  how many days went
local P, keep_from, today = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
-- @include seen_days
local known = redis.call('HMGET', P .. ':state', 'seen_days', 'seen_from', 'redo', 'version')
-- While what waits is judged again, and only then, the oldest may lie anywhere; it begins with another version.
if not (known[1] or known[2]) or (known[3] or '') ~= '' or (known[4] or '') ~= ARGV[3] then return 0 end
local days, stood = seen_days(known[1], known[2], today)
local kept, gone = {}, 0
for _, day in ipairs(days) do
  if day < keep_from and redis.call('HEXISTS', P .. ':open', day) == 0 then
    redis.call('UNLINK', P .. ':seen:' .. day)
    gone = gone + 1
  else
    kept[#kept + 1] = day
  end
end
if gone > 0 or not stood then keep_days(kept) end
return gone
