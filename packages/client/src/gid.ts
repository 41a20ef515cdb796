import { randomBytes } from 'node:crypto';

/** Without letters that are easily misread; its order is that of the characters' codes, so that later gids sort behind earlier ones. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/**
 * A gid nobody used before: 26 characters, the first ten its creation time, the others 80 random bits. Made by the client, so that a submit whose
 * answer was lost can be repeated under the same gid.
 */
export function newGid(): string {
  let time = Date.now();
  let gid = '';
  for (let place = 0; place < TIME_CHARACTERS; place++) {
    gid = ALPHABET.charAt(time % ALPHABET.length) + gid;
    time = Math.floor(time / ALPHABET.length);
  }
  for (const byte of randomBytes(RANDOM_CHARACTERS)) gid += ALPHABET.charAt(byte % ALPHABET.length);
  return gid;
}
