import { RESPONSE } from './response.ts';
import { reads } from './kinds.ts';

/** Decodes the result of `idsOf` in read.ts. */
const IDS = `
local words, at = ARGV[3], 1
local function nextId()
  local ns, gid
  ns, gid, at = struct.unpack('ss', words, at)
  return idOf(ns, gid)
end
`;

/**
 * The transactions with IDs ARGV[3]; an empty text for a missing one. Returns fewer than requested
 * if they are large, or if the next one exceeds the remaining ARGV[4] bytes (empty: no bound).
 * ARGV[5] is 1 for the first step of a page, ARGV[6] is 1 for summaries. Returns whether the bytes
 * ended the step, the remaining bytes, and the transactions.
 */
export const GET = reads(`${IDS}${RESPONSE}
left, first = tonumber(ARGV[4]) or left, ARGV[5] == '1'
local fieldsOf = ARGV[6] == '1' and summaryOf or fieldsOf
while at <= #words and room > 0 do
  local id = nextId()
  local r = fieldsOf(id)
  if not r then put('')
  elseif fits(id, r) then answer(id, r)
  else break end
end
return {full, leftOver(), out}`);

/** The versions of IDs ARGV[3]: words separated by NUL, empty for a missing transaction. */
export const VERSIONS = reads(`${IDS}
local out = {}
while at <= #words do out[#out + 1] = call('HGET', P .. 't' .. nextId(), 'v') or '' end
return table.concat(out, '\\0')`);

/**
 * Positions of a namespace from ARGV[4] down to ARGV[5]: the number examined, the last one, and
 * those that pass the filters.
 */
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
