/**
 * What all scripts begin with. KEYS[1] is what all keys begin with, ARGV[1] the latest time that the node saw, ARGV[2] a wall clock for tests or nothing.
 * The keys of a batch follow from its items and from indexes, all with the hash tag of KEYS[1].
 *
 *   t<id>    hash, a transaction: v version, w write id, s status, o owner, c claims, d due, a attention, p pattern, g group, x created, u updated,
 *            f finished, n entries, D definition, S state, e<n> an entry (length of key, key, body), k<key> the entry's number
 *   d<group> sorted by due time: ids      G  set of groups with something due      o<owner> set of ids      O  set of owners
 *   c<ns>    sorted by text: time of creation, gid        f  sorted by the time of the end: ids
 *   n, n<ns> hashes: counts               l  sorted by heartbeat: living sessions   s<session> hash   e  sorted by time: ended sessions
 *   k<id>    hash, a key-value            i<category> sorted by text: its keys      clock  latest time  schema  version
 *
 * An id is the length of the namespace, a colon, the namespace, and the gid.
 */
export const COMMON = `
local P = KEYS[1]
local call = redis.call
local function num(x) return string.format('%.0f', x) end
local now
do
  local t = tonumber(ARGV[2])
  if not t then local s = call('TIME'); t = s[1] * 1000 + math.floor(s[2] / 1000) end
  now = math.max(t, tonumber(ARGV[1]), tonumber(call('GET', P .. 'clock') or '0'))
end
local function tick() call('SET', P .. 'clock', num(now)) end
local function idOf(ns, gid) return #ns .. ':' .. ns .. gid end
local function split(id)
  local n, at = string.match(id, '^(%d+):()')
  return string.sub(id, at, at + n - 1), string.sub(id, at + n)
end
local function final(s) return s == 'succeed' or s == 'failed' end
local function head(id)
  local r = call('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'c', 'd', 'a', 'g', 'x', 'f', 'n')
  if not r[1] then return nil end
  return {v = tonumber(r[1]), w = r[2], s = r[3], o = r[4], c = tonumber(r[5]), d = r[6], a = r[7], g = r[8], x = r[9], f = r[10], n = tonumber(r[11])}
end
local function countIn(ns, field, by)
  call('HINCRBY', P .. 'n', field, num(by))
  call('HINCRBY', P .. 'n:' .. ns, field, num(by))
end
local function count(ns, s, a, by)
  countIn(ns, s, by)
  if a == '1' then countIn(ns, 'attention', by) end
end
local owning = {}
local function reindex(id, g, o, d, o2, d2)
  if d ~= d2 then
    if d2 ~= '' then
      call('ZADD', P .. 'd:' .. g, d2, id)
      if d == '' then call('SADD', P .. 'G', g) end
    else
      call('ZREM', P .. 'd:' .. g, id)
      if call('EXISTS', P .. 'd:' .. g) == 0 then call('SREM', P .. 'G', g) end
    end
  end
  if o ~= o2 then
    if o ~= '' then
      call('SREM', P .. 'o:' .. o, id)
      if call('EXISTS', P .. 'o:' .. o) == 0 then call('SREM', P .. 'O', o); owning[o] = nil end
    end
    if o2 ~= '' then
      call('SADD', P .. 'o:' .. o2, id)
      if not owning[o2] then call('SADD', P .. 'O', o2); owning[o2] = true end
    end
  end
end
local function living(session) return call('ZSCORE', P .. 'l', session) and true or false end
local function makeDue(id, at)
  local h = head(id)
  reindex(id, h.g, h.o, h.d, '', num(at))
  call('HSET', P .. 't' .. id, 'o', '', 'd', num(at), 'v', num(h.v + 1), 'u', num(now))
end
`;
