import { changes, reads } from './kinds.ts';

const KV = `
local category = idOf(ARGV[3], ARGV[4])
local key = P .. 'k' .. #category .. ':' .. category .. ARGV[5]
local version = tonumber(call('HGET', key, 'v') or '0')
`;

export const KV_GET = reads(`${KV} return call('HMGET', key, 'b', 'v', 'x', 'u')`);

export const KV_PUT = changes(`${KV}
if version ~= tonumber(ARGV[7]) then return 0 end
tick()
call('HSETNX', key, 'x', num(now))
call('HSET', key, 'b', ARGV[6], 'v', num(version + 1), 'u', num(now))
call('ZADD', P .. 'i' .. category, 0, ARGV[5])
return 1`);

export const KV_DELETE = changes(`${KV}
if version == 0 then return 2 end
if version ~= tonumber(ARGV[6]) then return 0 end
call('DEL', key)
call('ZREM', P .. 'i' .. category, ARGV[5])
return 1`);

/**
 * Up to ARGV[6] key-values of a category after key ARGV[5], with values of at most ARGV[7] bytes
 * together, but at least one; and whether more follow.
 */
export const KV_SCAN = reads(`
local category = idOf(ARGV[3], ARGV[4])
local most, left, out = tonumber(ARGV[6]), tonumber(ARGV[7]), {}
for i, k in ipairs(call('ZRANGEBYLEX', P .. 'i' .. category, '(' .. ARGV[5], '+', 'LIMIT', 0, most + 1)) do
  local key = P .. 'k' .. #category .. ':' .. category .. k
  left = left - call('HSTRLEN', key, 'b')
  if i > most or (left < 0 and i > 1) then return {1, out} end
  out[#out + 1] = {k, call('HMGET', key, 'b', 'v', 'x', 'u')}
end
return {0, out}`);
