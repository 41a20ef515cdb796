/**
 * The scripts of the Redis barrier. Redis runs a script in isolation, but does not undo the writes
 * of a script that fails later. Therefore:
 *
 * 1. Nothing is written before every check has passed.
 * 2. The first write is the barrier's key. Only at the first write of a script does Redis reject it
 *    for general reasons (no memory, read-only, …).
 * 3. Each key is copied before it is first written, and all copies are restored if a later command
 *    fails. Only the last command needs no copy of its key: a single command applies completely or
 *    not at all.
 * 4. Where Redis can report them (7.0 and later), the permissions to restore a copy are checked
 *    before the copy is needed.
 *
 * KEYS: the barrier's keys (the key of this call, of its result, and of the op which it undoes or
 * which undoes it), then those of the queued work in its order. ARGV: the number of the barrier's
 * keys, the mark of this run, expiry in ms, largest copy in bytes, the result to keep (empty:
 * none), `undo` if this call undoes the op of the third key or `undone` if that op undoes this
 * call (else empty), then for each piece of work: kind, name, number of keys, number of arguments,
 * arguments.
 */

/**
 * Returns `unkept` if the call was carried out and its result could not be kept; the value of its
 * key begins with the reason. `ran`: this very run was carried out, and the client library has sent
 * it again. `taken`: a key belongs to another call whose concatenated gid and branch are the same.
 * The values contain both, except those of dtm's clients and of earlier versions.
 */
const ENTER = `
local mark, expiry = ARGV[2], ARGV[3]
local identity = string.match(mark, '%[.*$')
local found = redis.call('GET', KEYS[1])
if found == mark then return 'ran' end
-- Without a role, the third key is the first one of the work.
local counterpart = ARGV[6] ~= '' and redis.call('GET', KEYS[3]) or ''
for _, value in ipairs({ found or '', counterpart }) do
  local other = string.match(value, '%[.*$')
  if other and other ~= identity then return 'taken ' .. other end
end
if ARGV[6] == 'undone' and redis.call('EXISTS', KEYS[3]) == 1 then return 'undone' end
if found then
  local kept = redis.call('GET', KEYS[2])
  if kept then return 'repeated ' .. kept end
  local why = string.match(found, '^unkept%-(%l+_%l+) ')
  return why and 'unkept ' .. why or 'repeated'
end
if ARGV[6] == 'undo' and redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('MSET', KEYS[1], mark, KEYS[3], 'rollback ' .. identity)
  redis.call('PEXPIRE', KEYS[1], expiry)
  redis.call('PEXPIRE', KEYS[3], expiry)
  return 'empty'
end
`;

/** Handles repeated and empty calls; returns `open` if the work is to run. */
export const ENTER_SCRIPT = `${ENTER}return 'open'`;

/**
 * Checks whether the local transaction of a message was committed; if it was not, prevents it from
 * ever being committed.
 */
export const CHECK_BACK_SCRIPT = `
redis.call('SET', KEYS[1], 'rollback', 'PX', ARGV[1], 'NX')
if redis.call('GET', KEYS[1]) == 'rollback' then return 'refused' end
return 'committed'
`;

/** Commands that a check may use; all others write, or may write. */
const READS = [
  'GET GETRANGE STRLEN MGET EXISTS TYPE TTL PTTL GETBIT BITCOUNT',
  'HGET HMGET HGETALL HEXISTS HLEN HSTRLEN HKEYS HVALS LLEN LINDEX LRANGE',
  'SISMEMBER SMISMEMBER SCARD SMEMBERS ZSCORE ZMSCORE ZCARD ZCOUNT ZRANK ZREVRANK ZRANGE ZRANGEBYSCORE ZREVRANGE XLEN TIME',
].join(' ');

const APPLY = `
local limit, result = tonumber(ARGV[4]), ARGV[5]
local copies, order, written = {}, {}, false

local function refuse(reason) error({ refused = tostring(reason) }, 0) end
local function fail(reason) error({ err = reason }, 0) end
local function words(thrown)
  if type(thrown) == 'table' then return tostring(thrown.err) end
  return tostring(thrown)
end

local function permitted(...)
  if redis.acl_check_cmd and not redis.acl_check_cmd(...) then
    fail('no permission to put a copy back: ' .. select(1, ...) .. ' ' .. select(2, ...))
  end
end

local function keep(key)
  if copies[key] then return end
  local size = redis.call('MEMORY', 'USAGE', key)
  if size and size > limit then
    fail('key ' .. key .. ' takes ' .. size .. ' bytes, more than are copied: write it by the last command, read it by a check')
  end
  local copy = { dump = redis.call('DUMP', key) }
  copy.exact, copy.untilMs = pcall(redis.call, 'PEXPIRETIME', key)
  if not copy.exact then copy.ttlMs = redis.call('PTTL', key) end
  permitted('DEL', key)
  if copy.dump then permitted('RESTORE', key, '0', copy.dump, 'REPLACE') end
  copies[key] = copy
  order[#order + 1] = key
end

-- Before Redis 7 the moment of expiry may shift by a millisecond.
local function restore(key, copy)
  if copy.exact then
    redis.call('RESTORE', key, math.max(copy.untilMs, 0), copy.dump, 'REPLACE', 'ABSTTL')
  else
    redis.call('RESTORE', key, copy.ttlMs < 0 and 0 or math.max(copy.ttlMs, 1), copy.dump, 'REPLACE')
  end
end

local function undo()
  for i = #order, 1, -1 do
    local key, copy = order[i], copies[order[i]]
    if copy.dump then
      restore(key, copy)
    else
      redis.call('DEL', key)
    end
  end
  redis.call('DEL', KEYS[1])
  if result ~= '' then redis.call('DEL', KEYS[2]) end
end

local function onlyRead(caller)
  return function(command, ...)
    if not reads[string.upper(tostring(command))] then fail('a check only reads: ' .. tostring(command)) end
    return caller(command, ...)
  end
end
local reader = {
  call = onlyRead(redis.call), pcall = onlyRead(redis.pcall),
  error_reply = redis.error_reply, status_reply = redis.status_reply, sha1hex = redis.sha1hex,
}

local function run(name, access, keys, args)
  local reply = scripts[tonumber(name)](access, keys, args, refuse)
  if type(reply) == 'table' and reply.err then error(reply, 0) end
end

local steps, key, arg = {}, tonumber(ARGV[1]) + 1, 7
while arg <= #ARGV do
  local step = { kind = ARGV[arg], name = ARGV[arg + 1], keys = {}, args = {} }
  local keyCount, argCount = tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3])
  for i = 1, keyCount do step.keys[i] = KEYS[key + i - 1] end
  for i = 1, argCount do step.args[i] = ARGV[arg + 3 + i] end
  key, arg = key + keyCount, arg + 4 + argCount
  steps[#steps + 1] = step
end

local done, thrown = pcall(function()
  for _, step in ipairs(steps) do
    if step.kind == 'check' then run(step.name, reader, step.keys, step.args) end
  end
  permitted('DEL', KEYS[1])
  if result ~= '' then permitted('DEL', KEYS[2]) end
  redis.call('SET', KEYS[1], mark, 'PX', expiry)
  written = true
  if result ~= '' then redis.call('SET', KEYS[2], result, 'PX', expiry) end
  for i, step in ipairs(steps) do
    if step.kind == 'call' then
      if i < #steps then keep(step.keys[1]) end
      redis.call(step.name, step.keys[1], unpack(step.args))
    elseif step.kind == 'eval' then
      for _, name in ipairs(step.keys) do keep(name) end
      run(step.name, redis, step.keys, step.args)
    end
  end
end)
if done then return 'ran' end

if written then
  local undone, why = pcall(undo)
  if not undone then return 'broken ' .. words(thrown) .. '; and it could not be undone: ' .. words(why) end
end
if type(thrown) == 'table' and thrown.refused then return 'refused ' .. thrown.refused end
return 'failed ' .. words(thrown)
`;

/**
 * Applies the queued work. `scripts`: the texts of the checks and scripts in it, each of which
 * becomes a function.
 */
export function applyScript(scripts: readonly string[]): string {
  const functions = scripts.map((lua) => `function(redis, KEYS, ARGV, refuse)\n${lua}\nend`);
  return `
local scripts = { ${functions.join(',\n')} }
local reads = {}
for command in string.gmatch('${READS}', '%u+') do reads[command] = true end
${ENTER}${APPLY}`;
}
