import { reads, SIZED } from './kinds.ts';

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
