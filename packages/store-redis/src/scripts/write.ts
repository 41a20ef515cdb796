import { script } from '../connection.ts';
import { COMMON } from './common.ts';

/** A whole batch: all items are read and judged before the first is written. By its first line it is refused as a whole when memory is full or the server is a replica. It answers the time, and what became of each item. */
export const WRITE = script(
  `#!lua
${COMMON}
local at, out, todo, kinds = 3, {}, {}, {}
local function take() at = at + 1; return ARGV[at - 1] end
local function expect(key, kind)
  if kinds[key] then return end
  local is = call('TYPE', key).ok
  if is ~= 'none' and is ~= kind then error({err = 'WRONGTYPE ' .. key .. ' is not of this store'}) end
  kinds[key] = true
end
local function dueAt(x) return x == '' and '' or num(math.max(0, now + tonumber(x))) end
while at <= #ARGV do
  local kind, ns, gid = take(), take(), take()
  local id = idOf(ns, gid)
  local h = head(id)
  expect(P .. 'n:' .. ns, 'hash'); expect(P .. 'c:' .. ns, 'zset')
  local res
  if kind == 'a' then
    local statuses, most, postpone, n = take(), tonumber(take()), take(), tonumber(take())
    local there, fresh = {'a', 0}, {}
    for _ = 1, n do
      local key, body = take(), take()
      local pos = h and call('HGET', P .. 't' .. id, 'k' .. key)
      if pos then
        there[#there + 1] = key
        there[#there + 1] = call('HGET', P .. 't' .. id, 'e' .. pos)
      else
        fresh[#fresh + 1] = {key, body}
      end
    end
    if not h then res = {'m'}
    elseif #fresh == 0 then there[2] = num(h.v); res = there
    elseif not string.find(statuses, ',' .. h.s .. ',', 1, true) or h.n + #fresh > most then res = {'c', h.s, num(h.v)}
    else
      there[2] = num(h.v + 1); res = there
      expect(P .. 'd:' .. h.g, 'zset')
      todo[#todo + 1] = {kind = kind, id = id, h = h, fresh = fresh, d = (h.d ~= '' and postpone ~= '') and dueAt(postpone) or h.d}
    end
  else
    local x = {kind = kind, id = id, ns = ns, gid = gid, h = h, w = take(), s = take(), o = take(), d = take(), a = take(), S = take()}
    if kind == 'i' then
      x.p = take(); x.g = take(); x.D = take()
      if h then res = h.w == x.w and {'a', '1'} or {'c', h.s, num(h.v)} end
    else
      local version = tonumber(take())
      if not h then res = {'m'}
      elseif h.v ~= version then res = h.w == x.w and {'a', num(version + 1)} or {'c', h.s, num(h.v)}
      elseif final(h.s) and not final(x.s) then res = {'c', h.s, num(h.v)}
      else x.g = h.g end
    end
    if not res then
      if final(x.s) then x.o = '' end
      x.d = (final(x.s) or x.o ~= '') and '' or dueAt(x.d)
      expect(P .. 'd:' .. x.g, 'zset')
      if x.o ~= '' then expect(P .. 'o:' .. x.o, 'set') end
      res = {'a', h and num(h.v + 1) or '1'}
      todo[#todo + 1] = x
    end
  end
  out[#out + 1] = res
end
for key, kind in pairs({n = 'hash', f = 'zset', G = 'set', O = 'set', clock = 'string'}) do expect(P .. key, kind) end
if #todo > 0 then tick() end
local t, tallies = num(now), {}
local function tally(ns, s, a, by)
  local sums = tallies[ns] or {}
  tallies[ns] = sums
  sums[s] = (sums[s] or 0) + by
  if a == '1' then sums.attention = (sums.attention or 0) + by end
end
for _, x in ipairs(todo) do
  local key, h = P .. 't' .. x.id, x.h
  if x.kind == 'a' then
    local n = h.n
    for _, entry in ipairs(x.fresh) do
      n = n + 1
      call('HSET', key, 'k' .. entry[1], num(n), 'e' .. num(n), #entry[1] .. ':' .. entry[1] .. entry[2])
    end
    reindex(x.id, h.g, h.o, h.d, h.o, x.d)
    call('HSET', key, 'v', num(h.v + 1), 'u', t, 'n', num(n), 'd', x.d)
  else
    local f = final(x.s) and (h and h.f ~= '' and h.f or t) or ''
    local claims = x.o == '' and '0' or '1'
    if h then
      call('HSET', key, 'v', num(h.v + 1), 'w', x.w, 's', x.s, 'o', x.o, 'c', claims, 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S)
      reindex(x.id, x.g, h.o, h.d, x.o, x.d)
      if h.s ~= x.s or h.a ~= x.a then tally(x.ns, h.s, h.a, -1); tally(x.ns, x.s, x.a, 1) end
    else
      call('HSET', key, 'v', '1', 'w', x.w, 's', x.s, 'o', x.o, 'c', claims, 'd', x.d, 'a', x.a, 'u', t, 'f', f, 'S', x.S, 'p', x.p, 'g', x.g, 'x', t, 'n', '0', 'D', x.D)
      call('ZADD', P .. 'c:' .. x.ns, 0, string.format('%014.0f', now) .. x.gid)
      reindex(x.id, x.g, '', '', x.o, x.d)
      tally(x.ns, x.s, x.a, 1)
    end
    if f ~= '' and not (h and h.f ~= '') then call('ZADD', P .. 'f', f, x.id) end
  end
end
for ns, sums in pairs(tallies) do
  for field, by in pairs(sums) do if by ~= 0 then countIn(ns, field, by) end end
end
return {t, out}`,
  true,
);
