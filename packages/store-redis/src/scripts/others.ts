import { script } from '../connection.ts';
import { COMMON } from './common.ts';

const reads = (text: string) => script(COMMON + text, false);
const changes = (text: string) => script(COMMON + text, true);
/** These free memory or hold possession: they run when it is full, too. */
const evenWhenFull = (text: string) => script(`#!lua flags=allow-oom\n${COMMON}${text}`, true);
/** What one script call answers at most, about: a server builds the whole answer before it serves anybody else. */
const ANSWERED_BYTES = 4 * 1024 * 1024;
const SIZED = `
local room = ${ANSWERED_BYTES}
local function whole(id)
  local r = call('HGETALL', P .. 't' .. id)
  for _, field in ipairs(r) do room = room - #field end
  return r
end
`;

/** Creates the schema; answers its version, the time, and the version that was there (0: none). It tries each command that changes anything: who lacks a right is told now, not in the middle of a batch. */
export const OPEN = changes(`
local found = call('GET', P .. 'schema')
if found and found ~= ARGV[3] then return {found, num(now), tonumber(found)} end
local probe = P .. 'probe'
call('DEL', probe)
call('SET', probe, '1')
call('TYPE', probe)
call('EXISTS', probe)
call('UNLINK', probe)
call('HSET', probe, 'a', '1')
call('HSETNX', probe, 'b', '1')
call('HINCRBY', probe, 'a', 1)
call('HGET', probe, 'a'); call('HMGET', probe, 'a'); call('HGETALL', probe)
call('DEL', probe)
call('ZADD', probe, 1, 'a')
call('ZSCORE', probe, 'a'); call('ZRANGE', probe, 0, 0); call('ZRANGEBYSCORE', probe, 1, 1); call('ZRANGEBYLEX', probe, '-', '+'); call('ZREVRANGEBYLEX', probe, '+', '-')
call('ZREM', probe, 'a')
call('SADD', probe, 'a')
call('SMEMBERS', probe); call('SCARD', probe); call('SRANDMEMBER', probe, 1)
call('SREM', probe, 'a')
if not found then call('SET', P .. 'schema', ARGV[3]) end
return {found or ARGV[3], num(now), tonumber(found or 0)}`);

export const TIME = reads('return num(now)');

/** The fields of transactions, namespace and gid by turns; of fewer than asked when they are large. */
export const GET = reads(`${SIZED}
local out = {}
for i = 3, #ARGV, 2 do
  if room > 0 then out[#out + 1] = whole(idOf(ARGV[i], ARGV[i + 1])) end
end
return out`);

/** The versions of transactions: namespace and gid by turns. */
export const VERSIONS = reads(`
local out = {}
for i = 3, #ARGV, 2 do out[#out + 1] = call('HGET', P .. 't' .. idOf(ARGV[i], ARGV[i + 1]), 'v') end
return out`);

/** Positions of a namespace from ARGV[4] down to ARGV[5]: how many were looked at, the last one, and those that pass the filters. */
export const LIST = reads(`
local ns, most, want = ARGV[3], tonumber(ARGV[6]), tonumber(ARGV[10])
local looked, last, out = 0, '', {}
for _, member in ipairs(call('ZREVRANGEBYLEX', P .. 'c:' .. ns, ARGV[4], ARGV[5], 'LIMIT', 0, most)) do
  looked = looked + 1
  last = member
  local ok = true
  if ARGV[7] .. ARGV[8] .. ARGV[9] ~= '' then
    local r = call('HMGET', P .. 't' .. idOf(ns, string.sub(member, 15)), 's', 'p', 'a')
    for i = 1, 3 do if ARGV[6 + i] ~= '' and ARGV[6 + i] ~= r[i] then ok = false end end
  end
  if ok then out[#out + 1] = member end
  if #out == want then break end
end
return {looked, last, out}`);

export const COUNT = reads(`return call('HGETALL', P .. ARGV[3])`);

/** Session ARGV[3] takes up to ARGV[4] of groups ARGV[5…], earliest due first; fewer when they are large. */
export const CLAIM = evenWhenFull(`${SIZED}
if not living(ARGV[3]) then return {num(now), 0, '', {}} end
local firsts, out, none = {}, {}, 1 / 0
local function peek(i)
  local r = call('ZRANGE', P .. 'd:' .. ARGV[i], 0, 0, 'WITHSCORES')
  firsts[i] = r[1] and {r[1], tonumber(r[2])} or {'', none}
end
for i = 5, #ARGV do peek(i) end
local function earliest()
  local best = 5
  for i = 6, #ARGV do if firsts[i][2] < firsts[best][2] then best = i end end
  return best
end
local best = earliest()
while #out < tonumber(ARGV[4]) and room > 0 and firsts[best][2] <= now do
  local id = firsts[best][1]
  local h = head(id)
  reindex(id, h.g, '', h.d, ARGV[3], '')
  call('HSET', P .. 't' .. id, 'o', ARGV[3], 'd', '', 'c', num(h.c + 1), 'v', num(h.v + 1), 'u', num(now))
  out[#out + 1] = {id, whole(id)}
  peek(best)
  best = earliest()
end
if #out > 0 then tick() end
return {num(now), 1, firsts[best][2] == none and '' or num(firsts[best][2]), out}`);

/** The application groups that something waits for. */
export const GROUPS = reads(`return call('SMEMBERS', P .. 'G')`);

/** Makes up to ARGV[6] of group ARGV[3] due that begin with ARGV[4], from time ARGV[5] on, leaving out the first ARGV[7]; looks at ARGV[8]. */
export const MAKE_DUE = changes(`
local after = tonumber(ARGV[5]) + (ARGV[9] == '1' and now or 0)
local members = call('ZRANGEBYSCORE', P .. 'd:' .. ARGV[3], '(' .. num(after), '+inf', 'LIMIT', ARGV[7], ARGV[8])
local made, kept, full = 0, 0, 0
for _, id in ipairs(members) do
  if string.sub(id, 1, #ARGV[4]) == ARGV[4] then
    if made == tonumber(ARGV[6]) then full = 1; break end
    makeDue(id)
    made = made + 1
  else
    kept = kept + 1
  end
end
if made > 0 then tick() end
return {made, kept, full, #members, num(after)}`);

export const OPEN_SESSION = changes(`
if call('ZSCORE', P .. 'e', ARGV[3]) then return 0 end
tick()
call('ZADD', P .. 'l', num(now), ARGV[3])
call('HSETNX', P .. 's:' .. ARGV[3], 'x', num(now))
call('HSET', P .. 's:' .. ARGV[3], 'n', ARGV[4], 'v', ARGV[5])
return 1`);

export const HEARTBEAT = evenWhenFull(`
local alive = living(ARGV[3])
if alive then tick(); call('ZADD', P .. 'l', num(now), ARGV[3]) end
return {alive and 1 or 0, num(now)}`);

const END = `
local function finish(session)
  call('ZREM', P .. 'l', session)
  call('DEL', P .. 's:' .. session)
  call('ZADD', P .. 'e', 'NX', num(now), session)
end
`;

export const END_SESSION = evenWhenFull(`${END} tick() finish(ARGV[3]) return 1`);

/** Ends sessions silent for longer than ARGV[3], all but ARGV[4], and forgets some that ended longer than ARGV[5] ago. */
export const END_SILENT = evenWhenFull(`${END}
local out = {}
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'l', '-inf', '(' .. num(now - tonumber(ARGV[3])), 'LIMIT', 0, 1000)) do
  if session ~= ARGV[4] then finish(session); out[#out + 1] = session end
end
for _, session in ipairs(call('ZRANGEBYSCORE', P .. 'e', '-inf', num(now - tonumber(ARGV[5])), 'LIMIT', 0, 100)) do call('ZREM', P .. 'e', session) end
if #out > 0 then tick() end
return out`);

/** Releases up to ARGV[3] transactions of owners that do not live; answers how many, and whether there are more. */
export const RELEASE = evenWhenFull(`
local left, more = tonumber(ARGV[3]), 0
local done = 0
for _, owner in ipairs(call('SMEMBERS', P .. 'O')) do
  if not living(owner) then
    local ids = left > 0 and call('SRANDMEMBER', P .. 'o:' .. owner, left) or {}
    for _, id in ipairs(ids) do makeDue(id); done = done + 1; left = left - 1 end
    if call('EXISTS', P .. 'o:' .. owner) == 1 then more = 1; break end
  end
end
if done > 0 then tick() end
return {done, more}`);

export const SESSIONS = reads(`
local out = {}
local rows = call('ZRANGE', P .. 'l', 0, -1, 'WITHSCORES')
for i = 1, #rows, 2 do
  local r = call('HMGET', P .. 's:' .. rows[i], 'n', 'v', 'x')
  out[#out + 1] = {rows[i], r[1], r[2], r[3], rows[i + 1], call('SCARD', P .. 'o:' .. rows[i])}
end
return out`);

/** Deletes up to ARGV[4] that finished more than ARGV[3] ms ago. */
export const PURGE = evenWhenFull(`
local ids = call('ZRANGEBYSCORE', P .. 'f', '-inf', '(' .. num(now - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  local h = head(id)
  local ns, gid = split(id)
  call('ZREM', P .. 'c:' .. ns, string.format('%014.0f', tonumber(h.x)) .. gid)
  call('ZREM', P .. 'f', id)
  count(ns, h.s, h.a, -1)
  call('UNLINK', P .. 't' .. id)
end
if #ids > 0 then tick() end
return #ids`);

const KV = `
local category = idOf(ARGV[3], ARGV[4])
local key = P .. 'k' .. #category .. ':' .. category .. ARGV[5]
local version = tonumber(call('HGET', key, 'v') or '0')
`;

export const KV_GET = reads(`${KV} return call('HMGET', key, 'b', 'v', 'x', 'u')`);

export const KV_PUT = changes(`${KV}
if version ~= tonumber(ARGV[7]) then return 0 end
tick()
call('HSETNX', key, 'x', num(now))
call('HSET', key, 'b', ARGV[6], 'v', num(version + 1), 'u', num(now))
call('ZADD', P .. 'i' .. category, 0, ARGV[5])
return 1`);

export const KV_DELETE = changes(`${KV}
if version == 0 then return 2 end
if version ~= tonumber(ARGV[6]) then return 0 end
call('DEL', key)
call('ZREM', P .. 'i' .. category, ARGV[5])
return 1`);

/** Up to ARGV[6] key-values of a category behind key ARGV[5]. */
export const KV_SCAN = reads(`
local category = idOf(ARGV[3], ARGV[4])
local out = {}
for _, k in ipairs(call('ZRANGEBYLEX', P .. 'i' .. category, '(' .. ARGV[5], '+', 'LIMIT', 0, ARGV[6])) do
  out[#out + 1] = {k, call('HMGET', P .. 'k' .. #category .. ':' .. category .. k, 'b', 'v', 'x', 'u')}
end
return out`);
