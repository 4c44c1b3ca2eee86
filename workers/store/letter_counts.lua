-- Part of other scripts, which know P: how many dead letters there are of each reason.
--
-- P:reasons  hash  reason -> how many letters in P:dlq died of it since this is counted; those from before are missing
--                  here, and their going never takes more away than is there. So no number is ever too high, and all are
--                  right when they add up to the length of P:dlq.
local function count_letters(why, by)
  if redis.call('HINCRBY', P .. ':reasons', why, by) <= 0 then redis.call('HDEL', P .. ':reasons', why) end
end
