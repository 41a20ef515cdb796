import { PATTERNS, STATUSES } from '@holdfast/protocol';

/**
 * Changes of indexes and counts, collected while a script processes transactions. `settle` applies
 * them, many members in one command. Reads of an index before that do not see them.
 */
export const INDEXES = `
-- Maximum number of arguments on Lua's stack.
local MOST = 1000
local function many(command, key, args)
  for from = 1, #args, MOST do call(command, key, unpack(args, from, math.min(from + MOST - 1, #args))) end
end

local gathered, groups, owners, tallies = {ZREM = {}, ZADD = {}, SREM = {}, SADD = {}}, {}, {}, {}
local function gather(command, key, first, second)
  local args = gathered[command][key]
  if not args then args = {}; gathered[command][key] = args end
  args[#args + 1] = first
  if second then args[#args + 1] = second end
end
-- A transaction of group g had owner o and due time d, and has o2 and d2 now.
local function reindex(id, g, o, d, o2, d2)
  if d ~= d2 then
    if d2 ~= '' then
      gather('ZADD', P .. 'd:' .. g, d2, id)
      if d == '' then groups[g] = true end
    else
      gather('ZREM', P .. 'd:' .. g, id)
      groups[g] = groups[g] or false
    end
  end
  if o ~= o2 then
    if o ~= '' then
      gather('SREM', P .. 'o:' .. o, id)
      owners[o] = owners[o] or false
    end
    if o2 ~= '' then
      gather('SADD', P .. 'o:' .. o2, id)
      owners[o2] = true
    end
  end
end
-- A record may be missing because it was evicted or deleted by hand. An index entry that still names it must not affect other records.
local function forget(command, letter, names, name, id)
  gather(command, P .. letter .. name, id)
  names[name] = names[name] or false
end
local function tally(ns, s, a, by)
  local sums = tallies[ns]
  if not sums then sums = {}; tallies[ns] = sums end
  sums[s] = (sums[s] or 0) + by
  if a == '1' then sums.attention = (sums.attention or 0) + by end
end
-- Updates the set of names whose index has members: a name that gained a member is added, a name left without members is removed.
local function note(names, key, members)
  for name, gained in pairs(names) do
    if gained then call('SADD', key, name)
    elseif call('EXISTS', members .. name) == 0 then call('SREM', key, name) end
  end
end
local function settle()
  for command, keys in pairs(gathered) do
    for key, args in pairs(keys) do many(command, key, args) end
  end
  note(groups, P .. 'G', P .. 'd:')
  note(owners, P .. 'O', P .. 'o:')
  for ns, sums in pairs(tallies) do
    for field, by in pairs(sums) do
      if by ~= 0 then call('HINCRBY', P .. 'n', field, num(by)); call('HINCRBY', P .. 'n:' .. ns, field, num(by)) end
    end
  end
  gathered, groups, owners, tallies = {ZREM = {}, ZADD = {}, SREM = {}, SADD = {}}, {}, {}, {}
end
-- Changes of records, applied once nothing can fail any more: Redis does not roll back what a script wrote before an error.
local records = {}
local function later(...) records[#records + 1] = {...} end
local function expectKind(key, kind)
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
end
local function expectKinds()
  for command, keys in pairs(gathered) do
    for key in pairs(keys) do expectKind(key, string.sub(command, 1, 1) == 'Z' and 'zset' or 'set') end
  end
  if next(groups) then expectKind(P .. 'G', 'set') end
  if next(owners) then expectKind(P .. 'O', 'set') end
  for ns in pairs(tallies) do expectKind(P .. 'n', 'hash'); expectKind(P .. 'n:' .. ns, 'hash') end
end
-- Writes everything, or nothing if a key has a type that the store never gives it. Writes the latest time only if ticked.
local function commit(ticked)
  expectKinds()
  if ticked then tick() end
  for _, change in ipairs(records) do call(unpack(change)) end
  settle()
end
`;

const KNOWN = [...STATUSES, ...PATTERNS].map((word) => `${word} = true`).join(', ');

/**
 * A transaction without bodies, and its release. `known`: the statuses and patterns of this
 * version.
 */
export const HEADS = `${INDEXES}
local known = {${KNOWN}}
local function head(id)
  local r = call('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n', 'p')
  if not r[1] then return nil end
  for i = 2, 10 do if not r[i] then error({err = 'WRONGTYPE ' .. P .. 't' .. id .. ' is not a complete transaction'}) end end
  return {v = tonumber(r[1]), w = r[2], s = r[3], o = r[4], d = r[5], a = r[6], g = r[7], f = r[8], x = r[9], n = tonumber(r[10]), p = r[11]}
end
-- Like head, but also returns nil for an incomplete transaction; the second result is whether the key exists.
local function wholeHead(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n')
  if r.err then return nil, true end
  if not r[1] then return nil, false end
  for i = 2, 10 do if not r[i] then return nil, true end end
  if not (tonumber(r[1]) and tonumber(r[9])) then return nil, true end
  return head(id)
end
-- Returns whether the transaction was made due: true if it exists and, where an owner is given, is owned by it. Otherwise the ID is
-- removed from the index (of the group or owner) that named it. Nil: the record is incomplete; its ID stays in the index of its group.
local function makeDue(id, at, group, owner)
  local h, broken = wholeHead(id)
  if broken and group then return nil end
  if not h or (owner and h.o ~= owner) then
    if group then forget('ZREM', 'd:', groups, group, id) else forget('SREM', 'o:', owners, owner, id) end
    return false
  end
  reindex(id, h.g, h.o, h.d, '', num(at))
  later('HSET', P .. 't' .. id, 'o', '', 'd', num(at), 'v', num(h.v + 1), 'u', num(now))
  return true
end
`;
