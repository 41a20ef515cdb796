import { changes, reads } from './kinds.ts';

/**
 * Creates the schema. Returns its version, the time, and the version found (0 if none). The script
 * tries each command that changes anything, so that a missing permission is reported now and not in
 * the middle of a batch.
 */
export const OPEN = changes(`
local found = call('GET', P .. 'schema')
if found and found ~= ARGV[3] then return {found, num(now), tonumber(found)} end
local probe = P .. 'probe'
call('DEL', probe)
call('SET', probe, '1')
call('TYPE', probe)
call('EXISTS', probe)
call('UNLINK', probe)
call('HSET', probe, 'a', '1')
call('HSETNX', probe, 'b', '1')
call('HINCRBY', probe, 'a', 1)
call('HGET', probe, 'a'); call('HMGET', probe, 'a'); call('HGETALL', probe); call('HSTRLEN', probe, 'a')
call('DEL', probe)
call('ZADD', probe, 1, 'a')
call('ZSCORE', probe, 'a'); call('ZCOUNT', probe, '-inf', '+inf'); call('ZRANGE', probe, 0, 0); call('ZRANGEBYSCORE', probe, 1, 1); call('ZRANGEBYLEX', probe, '-', '+'); call('ZREVRANGEBYLEX', probe, '+', '-')
call('ZREM', probe, 'a')
call('SADD', probe, 'a')
call('SMEMBERS', probe); call('SCARD', probe); call('SRANDMEMBER', probe, 1)
call('SREM', probe, 'a')
if not found then call('SET', P .. 'schema', ARGV[3]) end
return {found or ARGV[3], num(now), tonumber(found or 0)}`);

export const TIME = reads('return num(now)');
