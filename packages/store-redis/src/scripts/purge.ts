import { HEADS } from './indexes.ts';
import { evenWhenFull } from './kinds.ts';

/** Deletes up to ARGV[4] transactions that finished more than ARGV[3] ms ago. */
export const PURGE = evenWhenFull(`${HEADS}
local ids = call('ZRANGEBYSCORE', P .. 'f', '-inf', '(' .. num(now - tonumber(ARGV[3])), 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  local h = wholeHead(id)
  gather('ZREM', P .. 'f', id)
  if h then
    local ns, gid = split(id)
    gather('ZREM', P .. 'c:' .. ns, string.format('%014.0f', tonumber(h.x)) .. gid)
    tally(ns, h.s, h.a, -1)
    later('UNLINK', P .. 't' .. id)
  end
end
commit(#ids > 0)
return #ids`);
