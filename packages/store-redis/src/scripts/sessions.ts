import { HEADS } from './indexes.ts';
import { changes, evenWhenFull, reads } from './kinds.ts';

export const OPEN_SESSION = changes(`
if call('ZSCORE', P .. 'e', ARGV[3]) then return 0 end
tick()
call('ZADD', P .. 'l', num(now), ARGV[3])
call('HSETNX', P .. 's:' .. ARGV[3], 'x', num(now))
call('HSET', P .. 's:' .. ARGV[3], 'n', ARGV[4], 'v', ARGV[5])
return 1`);

/**
 * The last heartbeat of an ended session is in its hash, unless an earlier version of Holdfast
 * ended it.
 */
export const HEARTBEAT = evenWhenFull(`
local last = call('ZSCORE', P .. 'l', ARGV[3])
local alive = last and 1 or 0
if last then tick(); call('ZADD', P .. 'l', num(now), ARGV[3])
else last = call('HGET', P .. 's:' .. ARGV[3], 'b') or call('ZSCORE', P .. 'e', ARGV[3]) end
return {alive, num(now), last or ''}`);

const END = `
local function finish(session)
  local last = call('ZSCORE', P .. 'l', session)
  call('ZREM', P .. 'l', session)
  if last then
    call('DEL', P .. 's:' .. session)
    call('HSET', P .. 's:' .. session, 'b', last)
  end
  call('ZADD', P .. 'e', 'NX', num(now), session)
end
`;

export const END_SESSION = evenWhenFull(`${END} tick() finish(ARGV[3]) return 1`);

/**
 * Ends sessions silent for longer than ARGV[3], except ARGV[4], and forgets some that ended more
 * than ARGV[5] ago. With ARGV[6] = 1, ends only the sessions that follow, as pairs of a session and
 * its last heartbeat.
 */
export const END_SILENT = evenWhenFull(`${END}
local out, silent, before = {}, {}, now - tonumber(ARGV[3])
if ARGV[6] == '1' then
  for i = 7, #ARGV, 2 do
    local last = tonumber(call('ZSCORE', P .. 'l', ARGV[i]) or 'nan')
    if last == tonumber(ARGV[i + 1]) and last < before then silent[#silent + 1] = ARGV[i] end
  end
else silent = call('ZRANGEBYSCORE', P .. 'l', '-inf', '(' .. num(before), 'LIMIT', 0, 1000) end
for _, session in ipairs(silent) do
  if session ~= ARGV[4] then finish(session); out[#out + 1] = session end
end
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'e', '-inf', num(now - tonumber(ARGV[5])), 'LIMIT', 0, 100)) do
  call('ZREM', P .. 'e', session)
  call('DEL', P .. 's:' .. session)
end
if #out > 0 then tick() end
return out`);

/**
 * Releases up to ARGV[3] transactions of owners that are not alive. Returns their number, and
 * whether there are more.
 */
export const RELEASE = evenWhenFull(`${HEADS}
local left, more = tonumber(ARGV[3]), 0
local done = 0
for _, owner in ipairs(call('SMEMBERS', P .. 'O')) do
  if not living(owner) then
    local ids = left > 0 and call('SRANDMEMBER', P .. 'o:' .. owner, left) or {}
    for _, id in ipairs(ids) do
      if makeDue(id, now, nil, owner) then done = done + 1 end
      left = left - 1
    end
    if call('SCARD', P .. 'o:' .. owner) > #ids then more = 1; break end
  end
end
commit(done > 0)
return {done, more}`);

export const SESSIONS = reads(`
local out = {}
local rows = call('ZRANGE', P .. 'l', 0, -1, 'WITHSCORES')
for i = 1, #rows, 2 do
  local r = call('HMGET', P .. 's:' .. rows[i], 'n', 'v', 'x')
  out[#out + 1] = {rows[i], r[1], r[2], r[3], rows[i + 1], call('SCARD', P .. 'o:' .. rows[i])}
end
return out`);
