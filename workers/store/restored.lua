-- Note that an integration is out of a backup: what was received until now may have been sent already.
--
-- KEYS[1]  {workspace}:integration        KEYS[2..]  what is remembered of people: the generations that may be there
-- ARGV     now_ms, how many messages at most are looked at
-- Returns  how many messages were let go of; call again until it is 0
local P, now, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', P .. ':state') == 0 then return 0 end
redis.call('HSET', P .. ':state', 'restored', now)
-- Braze may have newer values by now than what was remembered.
for at = 2, #KEYS do redis.call('UNLINK', KEYS[at]) end
local gone = 0
for _, kind in ipairs({'campaign', 'canvas', 'transactional'}) do
  local k_out, ids = P .. ':sends:' .. kind, {}
  for _, found in ipairs(redis.call('XRANGE', k_out, '-', '+', 'COUNT', most)) do
    local entry = {}
    for i = 1, #found[2], 2 do entry[found[2][i]] = found[2][i + 1] end
    local told = cjson.decode(entry.s)
    redis.call('XADD', P .. ':sends:troubles', 'MAXLEN', '~', 10000, '*', 'what', 'unknown', 'kind', entry.k, 'id', entry.i,
               'submission', told.submission, 'rule', told.rule, 'p', entry.p, 'status', 0,
               'words', 'It may have been sent before the store was restored from a backup.', 'at', now)
    ids[#ids + 1] = found[1]
  end
  if #ids > 0 then
    redis.call('XDEL', k_out, unpack(ids))
    redis.call('HINCRBY', P .. ':ledger', 'send_unknown', #ids)
    redis.call('HDEL', P .. ':lane:sends:' .. kind, 'flight', 'flight_state', 'holder', 'groups', 'doubt_at', 'out_at',
               'before', 'retry_at', 'failed_at')
  end
  gone = gone + #ids
end
return gone
