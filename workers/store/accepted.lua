-- Which of some integrations remember that they have accepted a submission.
--
-- KEYS     {workspace}:integration of each, all of one workspace
-- ARGV     day since 1970, digest
-- Returns  the places in KEYS of those that do, from 1
local found = {}
for at, prefix in ipairs(KEYS) do
  if redis.call('SISMEMBER', prefix .. ':seen:' .. ARGV[1], ARGV[2]) == 1
    or redis.call('EXISTS', prefix .. ':once:' .. ARGV[2]) == 1 then
    found[#found + 1] = at
  end
end
return found
