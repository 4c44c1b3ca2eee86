-- Drop what is remembered for open letters, if the workspace has none any more.
--
-- KEYS[1]  {workspace}
if redis.call('EXISTS', KEYS[1] .. ':open') == 0 then redis.call('UNLINK', KEYS[1] .. ':times') end
