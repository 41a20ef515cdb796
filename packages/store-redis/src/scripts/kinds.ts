import { script } from '../connection.ts';
import { COMMON } from './common.ts';

export const reads = (text: string) => script(COMMON + text, false);
export const changes = (text: string) => script(COMMON + text, true);
/** These free memory or hold possession: they run when it is full, too. */
export const evenWhenFull = (text: string) => script(`#!lua flags=allow-oom\n${COMMON}${text}`, true);

/** What one script call answers at most, about: a server builds the whole answer before it serves anybody else. */
const ANSWERED_BYTES = 4 * 1024 * 1024;
/** `whole` reads a transaction; nothing more is to be read when there is no `room` left. */
export const SIZED = `
local room = ${ANSWERED_BYTES}
local function whole(id)
  local r = call('HGETALL', P .. 't' .. id)
  for _, field in ipairs(r) do room = room - #field end
  return r
end
`;
