/**
 * The start of all scripts. KEYS[1] is the prefix of all keys, ARGV[1] the latest time that the
 * node saw, ARGV[2] a wall clock for tests, or empty. The other keys follow from the items of a
 * batch and from indexes, all with the hash tag of KEYS[1].
 *
 *   t<id>    hash, a transaction: v version, w write id, s status, o owner, c claims, d due,
 *            a attention, p pattern, g group, x created, u updated, f finished, n entries,
 *            D definition, S state, e<n> an entry (length of key, key, body), k<key> its number
 *   d<group> sorted by due time: ids           G  set of groups with something due
 *   o<owner> set of ids                        O  set of owners
 *   c<ns>    sorted by text: time of creation, gid
 *   f        sorted by the time of finishing: ids
 *   n, n<ns> hashes: counts
 *   l        sorted by heartbeat: live sessions
 *   s<session> hash                            e  sorted by time: ended sessions
 *   k<id>    hash, a key-value                 i<category> sorted by text: its keys
 *   clock    latest time                       schema  version
 *
 * An ID is the length of the namespace, a colon, the namespace, and the gid.
 */
export const COMMON = `
local P = KEYS[1]
local call = redis.call
local function num(x) return string.format('%d', x) end
local now
do
  local t = tonumber(ARGV[2])
  if not t then local s = call('TIME'); t = s[1] * 1000 + math.floor(s[2] / 1000) end
  now = math.max(t, tonumber(ARGV[1]), tonumber(call('GET', P .. 'clock') or '0'))
end
local function tick() call('SET', P .. 'clock', num(now)) end
local beginnings = {}
local function idOf(ns, gid)
  local beginning = beginnings[ns]
  if not beginning then beginning = #ns .. ':' .. ns; beginnings[ns] = beginning end
  return beginning .. gid
end
local function split(id)
  local n, at = string.match(id, '^(%d+):()')
  return string.sub(id, at, at + n - 1), string.sub(id, at + n)
end
local function final(s) return s == 'succeed' or s == 'failed' end
local function living(session) return call('ZSCORE', P .. 'l', session) and true or false end
`;
