/**
 * Approximate limit for the response of one script call: a server builds the whole response before
 * it serves other clients.
 */
const RESPONSE_BYTES = 4 * 1024 * 1024;

/**
 * `answer` adds a transaction to the response, in the form that `RecordReader` reads: its words
 * separated by NUL, definition, state, entries. Nothing may be added when no `room` is left.
 *
 * A record that something other than Holdfast changed is read as far as possible, without its
 * number of claims, by which `RecordReader` reports it. `isWhole` is false for such a record, and
 * it must not affect other records. If fields that `head` needs are missing, its version is 0, so
 * that only a replacement can be applied to it.
 *
 * `fits` is called first. It checks whether the bodies fit into the remaining bytes of the page or
 * claim. The first record (`first`) always fits.
 */
export const RESPONSE = `
local WORDS = 13
local out, room = {}, ${RESPONSE_BYTES}
local left, first, full = 1 / 0, true, 0
local function put(text) out[#out + 1] = text; room = room - #text end
local function fieldsOf(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'c', 'd', 'a', 'p', 'g', 'x', 'u', 'f', 'n', 'D', 'S')
  return r[1] and r
end
local function isWhole(id, r)
  for i = 2, 15 do if not r[i] then return false end end
  local n = tonumber(r[13])
  if not (tonumber(r[1]) and tonumber(r[5]) and n) then return false end
  for i = 1, n do if call('HSTRLEN', P .. 't' .. id, 'e' .. i) == 0 then return false end end
  return true
end
-- Without definition and entries.
local function summaryOf(id)
  local r = redis.pcall('HMGET', P .. 't' .. id, 'v', 'w', 's', 'o', 'c', 'd', 'a', 'p', 'g', 'x', 'u', 'f', 'n', 'S')
  if not r[1] then return false end
  r[13], r[14], r[15] = '0', '', r[14]
  return r
end
local function fits(id, r)
  local size = #(r[14] or '') + #(r[15] or '')
  for i = 1, tonumber(r[13]) or 0 do
    local length = call('HSTRLEN', P .. 't' .. id, 'e' .. i)
    if length == 0 then break end
    size = size + length
  end
  if size > left and not first then full = 1; return false end
  left, first = math.max(0, left - size), false
  return true
end
local function leftOver() return left == 1 / 0 and '' or num(left) end
local function answer(id, r)
  local at, n, missing = #out + 1, 0, false
  local headless = not (tonumber(r[1] or '') and tonumber(r[10] or ''))
  for i = 1, 15 do
    if not r[i] then
      r[i] = ''
      missing = true
      if i ~= 5 and i ~= 8 and i ~= 11 and i < 14 then headless = true end
    end
  end
  put('')
  put(r[14])
  put(r[15])
  for i = 1, tonumber(r[13]) or 0 do
    local entry = call('HGET', P .. 't' .. id, 'e' .. i)
    if not entry then break end
    put(entry)
    n = i
  end
  if missing or r[13] ~= num(n) then r[5], r[13] = '?', num(n) end
  if headless then r[1], r[5] = '0', '?' end
  out[at] = table.concat(r, '\\0', 1, WORDS)
  room = room - #out[at]
end
`;
