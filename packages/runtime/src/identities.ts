import { randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import type { Identities } from '@holdfast/core';

/**
 * Ids of 26 characters: 10 of time (milliseconds), 16 of randomness (80 bits), so that they sort by time, in digits and lower-case letters only.
 * One case, because participants keep gids in databases that compare without it; no `-`, because an XA branch is named `gid-branch_id`; short,
 * because MySQL allows such a name 64 bytes.
 */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** Two characters for each 10 bits: half the look-ups. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, bits) => DIGITS.charAt(bits >> 5) + DIGITS.charAt(bits & 31),
);

const pair = (bits: number): string => PAIRS[bits & 1023] ?? '';

const ID_BYTES = 10;
/** Randomness is fetched for this many ids at once: asking the system for each would cost more than everything else here. */
const IDS_PER_REFILL = 512;
const MAX_NODE_LENGTH = 64;

export interface IdentitiesOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs?: () => number;
  /** First part of session ids, for people. */
  readonly node?: string;
}

/** Ids from the machine's clock and cryptographic randomness. */
export function systemIdentities(options: IdentitiesOptions = {}): Identities {
  const nowMs = options.nowMs ?? Date.now;
  const node = (options.node ?? `${hostname()}-${process.pid}`).slice(0, MAX_NODE_LENGTH);
  const random = Buffer.allocUnsafeSlow(ID_BYTES * IDS_PER_REFILL);
  let used = random.length;
  let lastMs = -1;
  let timePart = '';

  const newId = (): string => {
    if (used === random.length) {
      randomFillSync(random);
      used = 0;
    }
    const ms = nowMs();
    if (ms !== lastMs) {
      lastMs = ms;
      timePart = encodeTime(ms);
    }
    const id = timePart + encodeHalf(random, used) + encodeHalf(random, used + 5);
    used += ID_BYTES;
    return id;
  };
  return { newGid: newId, newSession: () => `${node}-${newId()}` };
}

function encodeTime(ms: number): string {
  const high = Math.floor(ms / 2 ** 30);
  const low = ms % 2 ** 30;
  return pair(high >> 10) + pair(high) + pair(low >> 20) + pair(low >> 10) + pair(low);
}

/** Five bytes as eight characters. */
function encodeHalf(bytes: Buffer, at: number): string {
  const high = bytes.readUInt16BE(at);
  const low = bytes.readUIntBE(at + 2, 3);
  return pair(high >> 6) + pair(((high & 63) << 4) | (low >> 20)) + pair(low >> 10) + pair(low);
}
