import { changes, evenWhenFull, reads, SIZED } from './kinds.ts';

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

/**
 * Makes up to ARGV[6] of group ARGV[3] due that begin with ARGV[4] and are due more than ARGV[5] ms after ARGV[9] (now, unless an earlier step told);
 * leaves out the first ARGV[7], and looks at ARGV[8]. By rank: however many are left out, none of them is walked over.
 */
export const MAKE_DUE = changes(`
local at = tonumber(ARGV[9]) or now
local due = P .. 'd:' .. ARGV[3]
local first = call('ZCOUNT', due, '-inf', num(at + tonumber(ARGV[5]))) + tonumber(ARGV[7])
local members = call('ZRANGE', due, num(first), num(first + tonumber(ARGV[8]) - 1))
local made, kept, full = 0, 0, 0
for _, id in ipairs(members) do
  if string.sub(id, 1, #ARGV[4]) == ARGV[4] then
    if made == tonumber(ARGV[6]) then full = 1; break end
    makeDue(id, at)
    made = made + 1
  else
    kept = kept + 1
  end
end
if made > 0 then tick() end
return {made, kept, full, #members, num(at)}`);
