import { describe, expect, it } from 'vitest';
import { FailedLogins, newTokenText, TokenAuthenticator, TokenBook } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { HoldfastError } from '@holdfast/protocol';

const LONGEST_READ_MS = 40;
/** Reads at once; further ones wait for their turn. */
const MOST_READS = 64;

/** An authenticator over a store that does not respond while `isHanging`. */
async function started() {
  const tokens = new TokenBook(new MemoryStore(Date.now));
  const { token } = await tokens.create({ id: 'root', roles: ['admin'] }, { name: 'x', role: 'viewer' });
  const store = { isHanging: true, reads: 0 };
  const get = tokens.get.bind(tokens);
  tokens.get = (id) => {
    store.reads++;
    return store.isHanging ? new Promise(() => {}) : get(id);
  };
  const logins = new FailedLogins({ logger: { warn: () => undefined } });
  const authenticator = new TokenAuthenticator({ tokens, logins, longestReadMs: LONGEST_READ_MS });
  const login = async (text: string, deadlineMs?: number) =>
    authenticator.authenticate({ authorization: `Bearer ${text}`, deadlineMs });
  const codeOf = async (text: string, deadlineMs?: number): Promise<string> =>
    login(text, deadlineMs).then(
      () => 'ok',
      (thrown: unknown) => HoldfastError.from(thrown).code,
    );
  return { token, store, login, codeOf };
}

describe('a store that does not respond', () => {
  it('makes the callers of a token wait for the time of one read, and is read again later', async () => {
    const { token, store, codeOf, login } = await started();
    const callers = Array.from({ length: 10 }, () => codeOf(token));
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['unavailable']));
    expect(store.reads).toBe(1);
    store.isHanging = false;
    await expect(login(token)).resolves.toMatchObject({ roles: ['viewer'] });
  });

  it('makes callers of more tokens than are read at once wait no longer', async () => {
    const { token, store, codeOf, login } = await started();
    const strangers = Array.from({ length: 5 * MOST_READS }, (_, index) => codeOf(newTokenText(`stranger${index}`)));
    expect(new Set(await Promise.all(strangers))).toEqual(new Set(['unavailable']));
    store.isHanging = false;
    await expect(login(token)).resolves.toMatchObject({ roles: ['viewer'] });
    expect(await codeOf(newTokenText('stranger'))).toBe('unauthenticated');
  });

  it('makes no caller wait beyond its deadline', async () => {
    const { token, codeOf } = await started();
    const late = await Promise.all([codeOf(token, performance.now() + 5), codeOf(token), codeOf(token, 1)]);
    expect(late).toEqual(['deadline_exceeded', 'unavailable', 'deadline_exceeded']);
  });
});

it('the response to a failed login is held back beyond the deadline of its caller', async () => {
  const { store, codeOf } = await started();
  store.isHanging = false;
  const wrong = newTokenText('0000000000000000');
  const codes: string[] = [];
  let lastMs = 0;
  for (let attempt = 0; attempt < 7; attempt++) {
    const startedMs = performance.now();
    codes.push(await codeOf(wrong, performance.now() + 5_000));
    lastMs = performance.now() - startedMs;
  }
  expect(codes).toEqual(Array.from({ length: 7 }, () => 'unauthenticated'));
  expect(lastMs).toBeGreaterThanOrEqual(190);
});
