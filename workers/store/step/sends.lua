-- Part of step.lua: messages that Braze shall send leave once the rest of their submission was accepted, from an outbox
-- of their own (outbox.py). Expects now, spacing and P.

-- So many of a kind may wait: far more than Braze takes in an hour.
local MOST_SENDS = 1000000

-- What one submission's rules ask for: {{kind, Braze's id, JSON}, ...}. Braze may take a moment to apply what it has
-- accepted, and knows nobody by it before.
local function put_sends(sends, person)
  for _, one in ipairs(sends) do
    local name = 'sends:' .. one[1]
    if redis.call('XLEN', P .. ':' .. name) >= MOST_SENDS then
      local told = cjson.decode(one[3])
      redis.call('HINCRBY', P .. ':ledger', 'send_dead', 1)
      redis.call('XADD', P .. ':sends:troubles', 'MAXLEN', '~', 10000, '*', 'what', 'dead', 'kind', one[1], 'id', one[2],
                 'submission', told.submission, 'rule', told.rule, 'p', person, 'status', 0,
                 'words', 'Too many messages wait already.', 'at', now)
    else
      redis.call('XADD', P .. ':' .. name, '*', 'k', one[1], 'i', one[2], 's', one[3], 'p', person, 't', now + spacing)
      redis.call('ZADD', P .. ':sends:due', 'NX', now + spacing, name)
    end
  end
end
