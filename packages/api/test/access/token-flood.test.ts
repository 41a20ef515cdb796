import { describe, expect, it } from 'vitest';
import { FailedLogins, newTokenText, TokenAuthenticator, TokenBook, TOKEN_CHANGE_MS } from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore } from '@holdfast/core/store';
import { HoldfastError } from '@holdfast/protocol';

/** More wrong tokens at once than are read or wait to be read. */
const FLOOD = 1_100;

describe('a flood of wrong tokens that the store is slow to look up', () => {
  it('neither rejects nor delays a token that is in use', async () => {
    const store = new CheckedStore(new MemoryStore(Date.now));
    await store.open();
    const slow = new TokenBook(store);
    const known = new Set<string>();
    const get = slow.get.bind(slow);
    // The store responds to no lookup of a token that does not exist.
    slow.get = (id) => (known.has(id) ? get(id) : new Promise(() => {}));
    let monotonicMs = 0;
    const logins = new FailedLogins({ logger: { warn: () => undefined } });
    const authenticator = new TokenAuthenticator({ tokens: slow, logins, monotonicMs: () => monotonicMs });
    const { id, token } = await slow.create({ id: 'root', roles: ['admin'] }, { name: 'x', role: 'viewer' });
    known.add(id);
    const login = async (text: string) => authenticator.authenticate({ authorization: `Bearer ${text}` });
    await login(token);
    const codes: string[] = [];
    const flood = Array.from({ length: FLOOD }, async (_, index) => {
      await login(newTokenText(`wrong${index}`)).catch((thrown: unknown) =>
        codes.push(HoldfastError.from(thrown).code),
      );
    });
    monotonicMs += TOKEN_CHANGE_MS;
    await expect(login(token)).resolves.toMatchObject({ roles: ['viewer'] });
    expect(codes).toEqual(Array.from({ length: FLOOD - 1_064 }, () => 'overloaded'));
    expect(flood).toHaveLength(FLOOD);
    await store.close();
  });
});
