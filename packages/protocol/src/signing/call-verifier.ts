import { type Body, bodyPrefix, callContent, SIGNATURE_HEADERS } from './signature.ts';
import { SigningKeyError } from './key-text.ts';
import { DEFAULT_REMEMBERED_CALLS, type ReplayStore, ReplayTable } from './replay-table.ts';
import { MAX_SIGNING_KEYS } from './signing-key.ts';
import { parseVerificationKey, type VerificationKey } from './verification-key.ts';

export interface VerifyOptions {
  /**
   * The keys by which calls are accepted, each a `whsec_…` secret or a public ed25519 key as
   * `whpk_…` or PEM; one signature by one of them suffices. While keys are replaced, list the old
   * and the new one. A function is called for each call, so that keys can change without a restart.
   */
  readonly keys: readonly string[] | (() => readonly string[]);
  /** How far the coordinator's clock may be from this one, in ms. Default 300,000. */
  readonly toleranceMs?: number;
  /**
   * Remembers the calls that were received. Default: a table in the memory of this process for all
   * branches that share this object, with the last 100,000 calls.
   */
  readonly replays?: ReplayStore;
  /**
   * The hosts of this participant, as they are in the URLs of its branches, such as
   * `bank-a:8080`, in any case. A call that was signed for another host is rejected, so that
   * another participant cannot pass its calls on. Default: every host.
   */
  readonly hosts?: readonly string[];
  /**
   * The path and query that the coordinator called, from those that arrived; for a proxy that
   * changes the path.
   */
  readonly target?: (received: string) => string;
}

/** The time, as a verifier needs it. */
export interface VerifierClock {
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes backwards. */
  monotonicMs(): number;
}

/** A call that is not accepted, with a reason that can be sent to its caller. */
export class CallNotVerified extends Error {
  override readonly name = 'CallNotVerified';
}

/** What a call states about its signatures. */
export interface StatedSignature {
  readonly id: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly host: string;
  readonly ofBody: readonly string[];
  readonly ofCall: readonly string[];
}

/** A call as it arrived. */
export interface ReceivedCall {
  readonly method: string;
  /** Path and query; over gRPC see `grpcTarget`. */
  readonly target: string;
  readonly body: Body;
}

const DEFAULT_TOLERANCE_MS = 300_000;
/** Of an ID with a gid of 128 characters, each of which takes nine. */
const LONGEST_ID = 4_096;
const LONGEST_HOST = 1_024;
/** Signatures of one header that are checked: one of each key that may sign. Others are ignored. */
const MAX_SIGNATURES = MAX_SIGNING_KEYS;
const LONGEST_SIGNATURES = 2 * MAX_SIGNATURES * 128;

/** Accepts calls that a coordinator has signed, each of them once. */
export class CallVerifier {
  readonly #options: VerifyOptions;
  readonly #toleranceMs: number;
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #replays: ReplayStore;
  readonly #clock: VerifierClock;
  #texts: readonly string[] = [];
  #keys: readonly VerificationKey[] = [];

  /** @throws {TypeError} an option is wrong; the message contains no part of a key */
  constructor(options: VerifyOptions, clock: VerifierClock) {
    const { toleranceMs = DEFAULT_TOLERANCE_MS } = options;
    if (!(toleranceMs >= 1_000)) throw new TypeError('verify: toleranceMs must be at least 1000');
    this.#options = options;
    this.#toleranceMs = toleranceMs;
    this.#hosts = options.hosts === undefined ? undefined : parsedHosts(options.hosts);
    this.#clock = clock;
    this.#replays = options.replays ?? new ReplayTable(DEFAULT_REMEMBERED_CALLS, () => clock.monotonicMs());
    this.#currentKeys();
  }

  /**
   * The signatures that a call states, from its headers, before its body is read.
   *
   * @param header returns the value of a header, named in lower case
   * @throws {CallNotVerified} a header is missing or malformed
   */
  read(header: (name: string) => unknown): StatedSignature {
    const value = (name: string, form: RegExp, longest: number): string => {
      const text = header(name);
      if (text === undefined || text === null || text === '')
        throw new CallNotVerified(`the call is not signed: header ${name} is missing`);
      if (typeof text !== 'string' || text.length > longest || !form.test(text))
        throw new CallNotVerified(`the signature of the call cannot be read: header ${name} is malformed`);
      return text;
    };
    return {
      id: value(SIGNATURE_HEADERS.id, VISIBLE, LONGEST_ID),
      timestamp: value(SIGNATURE_HEADERS.timestamp, SECONDS, 12),
      ofBody: value(SIGNATURE_HEADERS.signature, SIGNATURES, LONGEST_SIGNATURES).split(' ').slice(0, MAX_SIGNATURES),
      nonce: value(SIGNATURE_HEADERS.nonce, NONCE, 128),
      host: value(SIGNATURE_HEADERS.host, VISIBLE, LONGEST_HOST),
      ofCall: value(SIGNATURE_HEADERS.call, SIGNATURES, LONGEST_SIGNATURES).split(' ').slice(0, MAX_SIGNATURES),
    };
  }

  /**
   * Accepts a call. The signatures are checked before the time: only the holder of a key receives
   * the reason that concerns clocks.
   *
   * @throws {CallNotVerified} the call was not signed so, or not now, or was received before
   */
  async verify(stated: StatedSignature, { method, target, body }: ReceivedCall): Promise<void> {
    const { timestamp, nonce, host } = stated;
    const called = this.#options.target?.(target) ?? target;
    this.#checkSignatures(stated, { method, target: called, body });
    if (this.#hosts?.has(host.toLowerCase()) === false)
      throw new CallNotVerified('the call was signed for another host than those of this participant');
    this.#checkTime(Number(timestamp));
    // A call is acceptable from the tolerance before its timestamp to the tolerance after it.
    if (!(await this.#replays.add(nonce, 2 * this.#toleranceMs, Number(timestamp) * 1_000)))
      throw new CallNotVerified('the call was received before: a replay, or too old a call for the number of calls');
  }

  /**
   * Finds the pair of signatures that one key made. The short text of `holdfast-signature` comes
   * first: only the holder of a key has the body read, so that signatures that any client can write
   * cost little time, however long the body is.
   */
  #checkSignatures({ id, timestamp, nonce, host, ofBody, ofCall }: StatedSignature, call: ReceivedCall): void {
    const { method, target, body } = call;
    const keys = this.#currentKeys();
    const prefix = bodyPrefix(id, timestamp);
    const parts = { nonce, method, target, host, id, timestamp };
    for (const [at, signature] of ofBody.entries()) {
      const content = callContent(parts, signature);
      const signer = keys.find((key) => key.matches(ofCall[at] ?? '', content, ''));
      if (signer?.matches(signature, prefix, body) === true) return;
      if (signer !== undefined) throw new CallNotVerified(BODY_CHANGED);
    }
    if (body.length > LONGEST_EXPLAINED) throw new CallNotVerified(NOT_SIGNED_LONG);
    const isBodySigned = keys.some((key) => ofBody.some((signature) => key.matches(signature, prefix, body)));
    throw new CallNotVerified(isBodySigned ? NOT_FOR_THIS_PATH : NOT_SIGNED);
  }

  #checkTime(seconds: number): void {
    const nowMs = this.#clock.wallMs();
    // A timestamp has whole seconds.
    const behindMs = Math.floor(nowMs / 1_000) * 1_000 - seconds * 1_000;
    if (Math.abs(behindMs) <= this.#toleranceMs) return;
    const how = behindMs > 0 ? 'behind' : 'ahead of';
    throw new CallNotVerified(
      `the call's timestamp is ${Math.abs(behindMs) / 1_000} s ${how} the clock of this participant, ` +
        `which allows ${this.#toleranceMs / 1_000} s: synchronise the clocks, or the call was delayed`,
    );
  }

  #currentKeys(): readonly VerificationKey[] {
    const { keys } = this.#options;
    const texts = typeof keys === 'function' ? keys() : keys;
    const isKnown = texts.length > 0 && texts.length === this.#texts.length;
    if (isKnown && texts.every((text, index) => text === this.#texts[index])) return this.#keys;
    this.#keys = parsedKeys(texts);
    this.#texts = [...texts];
    return this.#keys;
  }
}

/** Of a longer body, it is not examined which of the two signatures is wrong. */
const LONGEST_EXPLAINED = 4_096;

const NOT_SIGNED =
  'no signature of the call is valid: it was signed with another key, or its ID, timestamp or body was changed';
const BODY_CHANGED =
  "the call's headers are signed, but its body was changed: a proxy or a middleware may have read and rewritten it";
const NOT_SIGNED_LONG =
  'no signature of the call is valid: it was signed with another key or for another method and path, ' +
  'or a proxy changed them, or its ID or timestamp was changed';
const NOT_FOR_THIS_PATH =
  'the call was not signed for this method and path, or it is another call, ' +
  'or a proxy changed them: see the option target of verify';

const VISIBLE = /^[\x21-\x7e]+$/;
const SECONDS = /^[1-9]\d{0,11}$/;
const NONCE = /^[\w-]+$/;
const SIGNATURES = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** Each host in the forms in which URLs have it: with and without the port that is the default. */
function parsedHosts(hosts: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(hosts) || hosts.length === 0) throw new TypeError('verify: hosts must have at least one host');
  return new Set(
    hosts.flatMap((host: unknown, index) => {
      if (typeof host !== 'string' || !HOST.test(host) || !URL.canParse(`http://${host}`))
        throw new TypeError(`verify: hosts[${index}] must be a host with its port, such as bank-a:8080`);
      return [host.toLowerCase(), new URL(`http://${host}`).host, new URL(`https://${host}`).host];
    }),
  );
}

/** Without a scheme, user information and a path. */
const HOST = /^[^/?#@\\\s]+$/;

function parsedKeys(texts: readonly string[]): readonly VerificationKey[] {
  if (!Array.isArray(texts) || texts.length === 0) throw new TypeError('verify: keys must have at least one key');
  if (texts.length > MAX_SIGNING_KEYS) throw new TypeError(`verify: keys must have at most ${MAX_SIGNING_KEYS} keys`);
  return texts.map((text: unknown, index) => {
    if (typeof text !== 'string') throw new TypeError(`verify: keys[${index}] must be a text`);
    try {
      return parseVerificationKey(text);
    } catch (error) {
      if (error instanceof SigningKeyError)
        throw new TypeError(`verify: keys[${index}] ${error.message}`, { cause: error });
      throw error;
    }
  });
}
