import { script } from '../connection.ts';
import { COMMON } from './common.ts';
import { HEADS } from './indexes.ts';

/** Takes apart what `argumentsOf` in batch.ts put together. */
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
-- An insert or an update.
local function settings(kind, id, ns, gid)
  local x, length = {kind = kind, id = id, ns = ns, gid = gid}
  x.w, x.s, x.o, x.d, x.a, length, at = struct.unpack('ssssss', words, at)
  x.S = body(length)
  if kind == 'i' then
    x.p, x.g, length, at = struct.unpack('sss', words, at)
    x.D = body(length)
  else
    x.version, at = struct.unpack('s', words, at)
  end
  return x
end
local function append(id)
  local x, count = {kind = 'a', id = id, entries = {}}
  x.statuses, x.most, x.postpone, count, at = struct.unpack('ssss', words, at)
  for i = 1, tonumber(count) do
    local key, length
    key, length, at = struct.unpack('ss', words, at)
    x.entries[i] = {key, body(length)}
  end
  return x
end
`;

/** What becomes of each item; nothing is written yet. What is to be written is in \`todo\`. */
const JUDGE = `
local kinds, outcomes, existing, todo = {}, {}, {}, {}
local function expect(key, kind)
  if kinds[key] then return end
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
  kinds[key] = true
end
local function applied(version) return 'a' .. num(version) end
local function conflict(h) return 'c' .. num(h.v) .. ':' .. h.s end
local function dueAt(x) return x == '' and '' or num(math.max(0, now + tonumber(x))) end

local function take(x)
  todo[#todo + 1] = x
  if final(x.s) then x.o = '' end
  x.d = (final(x.s) or x.o ~= '') and '' or dueAt(x.d)
  expect(P .. 'd:' .. x.g, 'zset')
  if x.o ~= '' then expect(P .. 'o:' .. x.o, 'set') end
end
local function judgeInsert(x)
  if call('EXISTS', P .. 't' .. x.id) == 1 then
    local h = head(x.id)
    return h.w == x.w and 'a1' or conflict(h)
  end
  take(x)
  return 'a1'
end
local function judgeUpdate(x)
  local h, version = head(x.id), tonumber(x.version)
  if not h then return 'm' end
  if h.v ~= version then return h.w == x.w and applied(version + 1) or conflict(h) end
  if final(h.s) and not final(x.s) then return conflict(h) end
  x.h = h
  x.g = h.g
  take(x)
  return applied(version + 1)
end
local function judgeAppend(x)
  local h, there, fresh = head(x.id), {}, {}
  if not h then return 'm' end
  for _, entry in ipairs(x.entries) do
    local pos = call('HGET', P .. 't' .. x.id, 'k' .. entry[1])
    if pos then there[#there + 1] = call('HGET', P .. 't' .. x.id, 'e' .. pos) else fresh[#fresh + 1] = entry end
  end
  local version = h.v
  if #fresh > 0 then
    if not string.find(x.statuses, ',' .. h.s .. ',', 1, true) or h.n + #fresh > tonumber(x.most) then return conflict(h) end
    expect(P .. 'd:' .. h.g, 'zset')
    x.h, x.fresh, x.d = h, fresh, (h.d ~= '' and x.postpone ~= '') and dueAt(x.postpone) or h.d
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
  expect(P .. 'n:' .. ns, 'hash'); expect(P .. 'c:' .. ns, 'zset')
  local outcome
  if kind == 'a' then outcome = judgeAppend(append(id))
  elseif kind == 'i' then outcome = judgeInsert(settings(kind, id, ns, gid))
  else outcome = judgeUpdate(settings(kind, id, ns, gid)) end
  outcomes[#outcomes + 1] = outcome
end
for key, kind in pairs({n = 'hash', f = 'zset', G = 'set', O = 'set', clock = 'string'}) do expect(P .. key, kind) end
`;

const APPLY = `
local t, created = num(now), string.format('%014.0f', now)
local function insert(x, key, claims)
  local f = final(x.s) and t or ''
  call('HSET', key, 'v', '1', 'w', x.w, 's', x.s, 'o', x.o, 'c', claims, 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S, 'p', x.p, 'g', x.g, 'x', t, 'n', '0', 'D', x.D)
  gather('ZADD', P .. 'c:' .. x.ns, 0, created .. x.gid)
  reindex(x.id, x.g, '', '', x.o, x.d)
  tally(x.ns, x.s, x.a, 1)
  if f ~= '' then gather('ZADD', P .. 'f', f, x.id) end
end
local function update(x, key, claims)
  local h = x.h
  local f = final(x.s) and (h.f ~= '' and h.f or t) or ''
  call('HSET', key, 'v', num(h.v + 1), 'w', x.w, 's', x.s, 'o', x.o, 'c', claims, 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S)
  reindex(x.id, x.g, h.o, h.d, x.o, x.d)
  if h.s ~= x.s or h.a ~= x.a then tally(x.ns, h.s, h.a, -1); tally(x.ns, x.s, x.a, 1) end
  if f ~= '' and h.f == '' then gather('ZADD', P .. 'f', f, x.id) end
end
local function extend(x, key)
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
for _, x in ipairs(todo) do
  local key, claims = P .. 't' .. x.id, x.o == '' and '0' or '1'
  if x.kind == 'a' then extend(x, key) elseif x.kind == 'i' then insert(x, key, claims) else update(x, key, claims) end
end
settle()
return {t, table.concat(outcomes, ' '), existing}
`;

/**
 * A whole batch: all items are read and judged before the first is written. By its first line it is refused as a whole when memory is full or the server is
 * a replica. It answers the time, what became of each item, and the entries that were there.
 */
export const WRITE = script(`#!lua\n${COMMON}${HEADS}${UNPACK}${JUDGE}${APPLY}`, true);
