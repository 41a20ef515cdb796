import { randomBytes } from 'node:crypto';

/**
 * Without letters that are easily misread. In the order of character codes, so that later gids sort
 * after earlier ones.
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/**
 * Returns a gid never used before: 26 characters, the first ten its creation time, the others 80
 * random bits. Created by the client, so that a submit whose response was lost can be repeated with
 * the same gid.
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
