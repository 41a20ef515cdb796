import { transitions } from '@holdfast/core/store-kit';
import { script } from '../connection.ts';
import { COMMON } from './common.ts';
import { HEADS } from './indexes.ts';

/**
 * Decodes the result of `argumentsOf` in batch.ts. Tables are created complete, because a table
 * that grows costs more than its contents.
 */
const UNPACK = `
local words, at = ARGV[3], 1
local bodies, from = 4, 1
local function body(length)
  length = tonumber(length)
  if length == 0 then return '' end
  if from > #ARGV[bodies] then bodies = bodies + 1; from = 1 end
  from = from + length
  return string.sub(ARGV[bodies], from - length, from - 1)
end
local function insertOf(id, ns, gid)
  local w, s, o, d, a, stateLength, p, g, length
  w, s, o, d, a, stateLength, p, g, length, at = struct.unpack('sssssssss', words, at)
  local S = body(stateLength)
  return {kind = 'i', id = id, ns = ns, gid = gid, w = w, s = s, o = o, d = d, a = a, S = S, p = p, g = g, D = body(length), f = false}
end
local function updateOf(id, ns)
  local w, s, o, d, a, length, version
  w, s, o, d, a, length, version, at = struct.unpack('sssssss', words, at)
  return {kind = 'u', id = id, ns = ns, w = w, s = s, o = o, d = d, a = a, S = body(length), version = tonumber(version), h = false, g = '', f = false}
end
local function appendOf(id)
  local statuses, pattern, most, bytes, postpone, count, entries
  statuses, pattern, most, bytes, postpone, count, at = struct.unpack('ssssss', words, at)
  entries = {}
  for i = 1, tonumber(count) do
    local key, length
    key, length, at = struct.unpack('ss', words, at)
    entries[i] = {key, body(length)}
  end
  return {kind = 'a', id = id, statuses = statuses, pattern = pattern, most = tonumber(most), bytes = tonumber(bytes), postpone = postpone, entries = entries}
end
`;

/**
 * Determines the outcome of each item. Items to be written are collected in `todo`; nothing is
 * written yet.
 */
const JUDGE = `
local checked, items, inserts, outcomes, existing, todo = {}, {}, {}, {}, {}, {}
local function expect(kind, letter, name)
  local names = checked[letter]
  if not names then names = {}; checked[letter] = names end
  if names[name] then return end
  local key = P .. letter .. name
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
  names[name] = true
end
local function applied(version) return 'a' .. num(version) end
-- A record with a status or pattern of a later version is left to nodes of that version.
local function ours(h) return known[h.s] and known[h.p] end
local function conflict(h, letter) return (letter or 'c') .. num(h.v) .. ':' .. h.s end
-- Whether the existing and the new entries of a transaction together fit in the given bytes; keys are counted, too.
local function hasRoom(key, h, fresh, bytes)
  for i = 1, h.n do bytes = bytes - call('HSTRLEN', key, 'e' .. i) end
  for _, entry in ipairs(fresh) do bytes = bytes - #entry[2] end
  return bytes >= 0
end
local function dueAt(x) return x == '' and '' or num(math.max(0, now + tonumber(x))) end

-- Notes which indexes reindex will change.
local function expectIndexes(g, o, d, o2, d2)
  if d ~= d2 then expect('zset', 'd:', g); expect('set', 'G', '') end
  if o ~= o2 then
    expect('set', 'O', '')
    if o ~= '' then expect('set', 'o:', o) end
    if o2 ~= '' then expect('set', 'o:', o2) end
  end
end
local function take(x, o, d)
  x.f = final(x.s)
  if x.f then x.o = ''; expect('zset', 'f', '') end
  x.d = (x.f or x.o ~= '') and '' or dueAt(x.d)
  expect('hash', 'n', '')
  expect('hash', 'n:', x.ns)
  expectIndexes(x.g, o, d, x.o, x.d)
  todo[#todo + 1] = x
end
local function judgeInsert(x, h)
  if h then return h.w == x.w and 'a1' or conflict(h) end
  expect('zset', 'c:', x.ns)
  take(x, '', '')
  return 'a1'
end
-- Finishes an incomplete record: missing fields of its head are filled in, the others are kept.
local function judgeReplacement(x)
  local h, broken = wholeHead(x.id)
  if h then return h.w == x.w and applied(1) or conflict(h) end
  if not broken then return 'm' end
  local r = call('HMGET', P .. 't' .. x.id, 's', 'o', 'd', 'a', 'g', 'f', 'x', 'n')
  x.h = {v = ${transitions.REPLACED_VERSION - 1}, s = r[1] or 'submitted', o = r[2] or '', d = r[3] or '', a = r[4] or '0', g = r[5] or '', f = r[6] or ''}
  x.g, x.created, x.count = x.h.g, tonumber(r[7] or '') or now, tonumber(r[8] or '') or 0
  take(x, x.h.o, x.h.d)
  return applied(${transitions.REPLACED_VERSION})
end
local function judgeUpdate(x, h)
  if not h then return 'm' end
  if h.v ~= x.version then return h.w == x.w and applied(x.version + 1) or conflict(h) end
  if not ours(h) or (final(h.s) and not final(x.s)) then return conflict(h) end
  x.h, x.g = h, h.g
  take(x, h.o, h.d)
  return applied(h.v + 1)
end
local function judgeAppend(x, h)
  if not h then return 'm' end
  local key, there, fresh, version = P .. 't' .. x.id, {}, {}, h.v
  for _, entry in ipairs(x.entries) do
    local pos = call('HGET', key, 'k' .. entry[1])
    if pos then there[#there + 1] = call('HGET', key, 'e' .. pos) else fresh[#fresh + 1] = entry end
  end
  if #fresh > 0 then
    if not ours(h) or (x.pattern ~= '' and x.pattern ~= h.p) then return conflict(h) end
    if not string.find(x.statuses, ',' .. h.s .. ',', 1, true) then return conflict(h) end
    if h.n + #fresh > x.most then return conflict(h, 'e') end
    if x.bytes and not hasRoom(key, h, fresh, x.bytes) then return conflict(h, 'b') end
    x.h, x.fresh, x.d = h, fresh, (h.d ~= '' and x.postpone ~= '') and dueAt(x.postpone) or h.d
    expectIndexes(h.g, h.o, h.d, h.o, x.d)
    todo[#todo + 1] = x
    version = version + 1
  end
  for _, entry in ipairs(there) do existing[#existing + 1] = entry end
  return applied(version) .. (#there > 0 and ':' .. #there or '')
end

while at <= #words do
  local kind, ns, gid
  kind, ns, gid, at = struct.unpack('sss', words, at)
  local id = idOf(ns, gid)
  if kind == 'u' then items[#items + 1] = updateOf(id, ns)
  elseif kind == 'a' then items[#items + 1] = appendOf(id)
  else
    items[#items + 1] = insertOf(id, ns, gid)
    inserts[#inserts + 1] = P .. 't' .. id
  end
end
-- Inserted keys are usually new; one EXISTS checks them all.
local new = true
for i = 1, #inserts, MOST do
  if call('EXISTS', unpack(inserts, i, math.min(i + MOST - 1, #inserts))) > 0 then new = false end
end
for i, x in ipairs(items) do
  if x.kind == 'u' and x.version == 0 and final(x.s) then outcomes[i] = judgeReplacement(x)
  elseif x.kind == 'u' then outcomes[i] = judgeUpdate(x, head(x.id))
  elseif x.kind == 'a' then outcomes[i] = judgeAppend(x, head(x.id))
  else outcomes[i] = judgeInsert(x, not new and head(x.id)) end
end
`;

const APPLY = `
local t, created = num(now), string.format('%014.0f', now)
local function insert(x, key)
  local f = x.f and t or ''
  call('HSET', key, 'v', '1', 'w', x.w, 's', x.s, 'o', x.o, 'c', x.o == '' and '0' or '1', 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S,
    'p', x.p, 'g', x.g, 'x', t, 'n', '0', 'D', x.D)
  gather('ZADD', P .. 'c:' .. x.ns, '0', created .. x.gid)
  if f ~= '' then gather('ZADD', P .. 'f', f, x.id) end
  reindex(x.id, x.g, '', '', x.o, x.d)
  tally(x.ns, x.s, x.a, 1)
end
local function update(x, key)
  local h = x.h
  local f = x.f and (h.f ~= '' and h.f or t) or ''
  call('HSET', key, 'v', num(h.v + 1), 'w', x.w, 's', x.s, 'o', x.o, 'c', x.o == '' and '0' or '1', 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S)
  if x.created then call('HSET', key, 'g', x.g, 'x', num(x.created), 'n', num(x.count)) end
  if f ~= '' and h.f == '' then gather('ZADD', P .. 'f', f, x.id) end
  reindex(x.id, x.g, h.o, h.d, x.o, x.d)
  if h.s ~= x.s or h.a ~= x.a then tally(x.ns, h.s, h.a, -1); tally(x.ns, x.s, x.a, 1) end
end
local function append(x, key)
  local h, n, fields = x.h, x.h.n, {}
  for _, entry in ipairs(x.fresh) do
    n = n + 1
    fields[#fields + 1] = 'k' .. entry[1]
    fields[#fields + 1] = num(n)
    fields[#fields + 1] = 'e' .. num(n)
    fields[#fields + 1] = #entry[1] .. ':' .. entry[1] .. entry[2]
  end
  many('HSET', key, fields)
  call('HSET', key, 'v', num(h.v + 1), 'u', t, 'n', num(n), 'd', x.d)
  reindex(x.id, h.g, h.o, h.d, h.o, x.d)
end

if #todo > 0 then tick() end
local apply = {i = insert, u = update, a = append}
for _, x in ipairs(todo) do apply[x.kind](x, P .. 't' .. x.id) end
settle()
return {t, table.concat(outcomes, ' '), existing}
`;

/**
 * Writes a whole batch: all items are read and judged before the first is written. The first line
 * of the script makes Redis reject the batch as a whole if its memory is full or it is a replica.
 * Returns the time, the outcome of each item, and the existing entries.
 */
export const WRITE = script(`#!lua\n${COMMON}${HEADS}${UNPACK}${JUDGE}${APPLY}`, true);
