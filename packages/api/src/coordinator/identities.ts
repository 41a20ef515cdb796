import { randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import type { Identities } from '@holdfast/core';

/**
 * IDs of 26 characters: 10 of time (milliseconds) and 16 of randomness (80 bits), so that they sort
 * by time, in digits and lower-case letters only.
 *
 * A single case, because participants store gids in databases that compare case-insensitively; no
 * `-`, because an XA branch is named `gid-branch_id`; short, because MySQL limits such a name to 64
 * bytes.
 */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** Two characters per 10 bits: half the lookups. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, bits) => DIGITS.charAt(bits >> 5) + DIGITS.charAt(bits & 31),
);

const pair = (bits: number): string => PAIRS[bits & 1023] ?? '';

const ID_BYTES = 10;
/**
 * Number of IDs for which random bytes are fetched at once: a system call per ID would dominate the
 * cost.
 */
const IDS_PER_REFILL = 512;
const MAX_NODE_LENGTH = 64;

export interface IdentitiesOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs?: () => number;
  /** Prefix of session IDs, for display. */
  readonly node?: string;
}

/** IDs from the machine's clock and cryptographic randomness. */
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
