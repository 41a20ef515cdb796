import { RESPONSE } from './response.ts';
import { HEADS } from './indexes.ts';
import { changes, evenWhenFull, reads } from './kinds.ts';

/**
 * Claims up to ARGV[4] transactions of groups ARGV[7…] for session ARGV[3], earliest due first.
 * Claims fewer if they are large, or if the next one exceeds the remaining ARGV[5] bytes (ARGV[6]
 * is 1 for the first step of a claim). Of each group the script examines the first transaction, and
 * further ones if that is due. Claimed transactions leave the index at the end.
 */
export const CLAIM = evenWhenFull(`${HEADS}${RESPONSE}
local MOST_SKIPPED = 10000
if not living(ARGV[3]) then return {num(now), 0, '', out, 0, ''} end
left, first = tonumber(ARGV[5]), ARGV[6] == '1'
local limit, none, waiting = tonumber(ARGV[4]), 1 / 0, {}
local function look(w, count)
  w.rows = call('ZRANGE', P .. 'd:' .. w.group, w.taken, w.taken + count - 1, 'WITHSCORES')
  w.at = 1
  w.due = tonumber(w.rows[2]) or none
end
for i = 7, #ARGV do
  local w = {group = ARGV[i], taken = 0}
  look(w, 1)
  waiting[#waiting + 1] = w
end
local function earliest()
  local best = waiting[1]
  for i = 2, #waiting do if waiting[i].due < best.due then best = waiting[i] end end
  return best
end
-- A record with a status or pattern of a later version is left to nodes of that version, an incomplete one to an operator.
local claimed, skipped, taken, best = 0, 0, {}, earliest()
while claimed < limit and room > 0 and best.due <= now do
  local id, key = best.rows[best.at], P .. 't' .. best.rows[best.at]
  local r = fieldsOf(id)
  if r and not (known[r[3]] and known[r[8]] and isWhole(id, r)) then
    skipped = skipped + 1
    if skipped == MOST_SKIPPED then best = {due = none}; break end
  elseif r and (r[6] == '' or taken[id]) then
    -- The record replaced a damaged one, whose group was unknown; or two groups named the ID.
    forget('ZREM', 'd:', groups, best.group, id)
  elseif r then
    if not fits(id, r) then break end
    reindex(id, r[9], '', r[6], ARGV[3], '')
    r[1], r[4], r[5], r[6], r[11] = num(r[1] + 1), ARGV[3], num(r[5] + 1), '', num(now)
    put(id)
    answer(id, r)
    later('HSET', key, 'v', r[1], 'o', r[4], 'c', r[5], 'd', r[6], 'u', r[11])
    taken[id] = true
    claimed = claimed + 1
  else
    forget('ZREM', 'd:', groups, best.group, id)
  end
  best.taken, best.at = best.taken + 1, best.at + 2
  best.due = tonumber(best.rows[best.at + 1])
  if not best.due then look(best, limit - claimed + 1) end
  best = earliest()
end
commit(claimed > 0)
return {num(now), 1, best.due == none and '' or num(best.due), out, full, leftOver()}`);

/** The application groups with waiting transactions. */
export const GROUPS = reads(`return call('SMEMBERS', P .. 'G')`);

/**
 * Makes up to ARGV[6] transactions of group ARGV[3] due whose IDs begin with ARGV[4] and that are
 * due more than ARGV[5] ms after ARGV[9] (default: now). Skips the first ARGV[7], and examines
 * ARGV[8]. Works by rank, so that skipped members are not walked over.
 */
export const MAKE_DUE = changes(`${HEADS}
local at = tonumber(ARGV[9]) or now
local due = P .. 'd:' .. ARGV[3]
local first = call('ZCOUNT', due, '-inf', num(at + tonumber(ARGV[5]))) + tonumber(ARGV[7])
local members = call('ZRANGE', due, num(first), num(first + tonumber(ARGV[8]) - 1))
local made, kept, full = 0, 0, 0
for _, id in ipairs(members) do
  if string.sub(id, 1, #ARGV[4]) == ARGV[4] then
    if made == tonumber(ARGV[6]) then full = 1; break end
    local isMade = makeDue(id, at, ARGV[3])
    if isMade then made = made + 1 elseif isMade == nil then kept = kept + 1 end
  else
    kept = kept + 1
  end
end
commit(made > 0)
return {made, kept, full, #members, num(at)}`);
