import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type Authenticator,
  bootstrap,
  FailedLogins,
  type LoginFailure,
  newBootstrapText,
  newTokenText,
  TokenAuthenticator,
  TokenBook,
  warnWithoutAdmin,
} from '@holdfast/api';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store, StoreError } from '@holdfast/core/store';
import { ANONYMOUS, HoldfastError, LIMITS, type Principal } from '@holdfast/protocol';

const ROOT: Principal = { id: 'root', roles: ['admin'] };
const SHOP: Principal = { id: 'shop-admin', roles: ['admin'], namespaces: ['shop'] };

/** A node over a store, whose clocks only the test advances. */
class Node {
  readonly book: TokenBook;
  readonly authenticator: Authenticator;
  readonly failures: LoginFailure[] = [];
  readonly warnings: unknown[] = [];
  nowMs = Date.now();
  monotonicMs = 0;

  constructor(store: Store) {
    this.book = new TokenBook(store);
    const logins = new FailedLogins({
      logger: { warn: (fields) => void this.warnings.push(fields) },
      onFailure: (reason) => void this.failures.push(reason),
      nowMs: () => this.monotonicMs,
    });
    this.authenticator = new TokenAuthenticator({
      tokens: this.book,
      logins,
      nowMs: () => this.nowMs,
      monotonicMs: () => this.monotonicMs,
    });
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.monotonicMs += ms;
  }

  async login(token: string, remoteAddress = '192.0.2.1'): Promise<Principal> {
    return this.authenticator.authenticate({ authorization: `Bearer ${token}`, remoteAddress });
  }

  /** The code and the text of a failed login. */
  async refusal(token: string, address?: string): Promise<readonly [string, string]> {
    try {
      await this.login(token, address);
      return ['accepted', ''];
    } catch (thrown) {
      const { code, message } = HoldfastError.from(thrown);
      return [code, message];
    }
  }
}

async function openStore(nowMs = Date.now): Promise<Store> {
  const store = new CheckedStore(new MemoryStore(nowMs));
  await store.open();
  return store;
}

const REJECTED = ['unauthenticated', expect.stringContaining('the API token is not valid')] as const;

describe('an API token', () => {
  it('that another node revokes ends a stream, which is checked every second, within 5 seconds', async () => {
    const store = await openStore();
    const [here, there] = [new Node(store), new Node(store)];
    const { id, token } = await there.book.create(ROOT, { name: 'watcher', role: 'viewer' });
    const check = async (): Promise<string> => {
      try {
        await here.authenticator.authenticate({ authorization: `Bearer ${token}`, isInProgress: true });
        return 'valid';
      } catch (thrown) {
        return HoldfastError.from(thrown).code;
      }
    };
    await here.login(token);
    await there.book.revoke(ROOT, id);
    let endedMs = 0;
    for (let result = await check(); result === 'valid'; endedMs += 1_000) {
      here.advance(1_000);
      result = await check();
      // A read in the background has ended.
      await new Promise(setImmediate);
      if (result !== 'valid') expect(result).toBe('unauthenticated');
    }
    expect(endedMs).toBeLessThanOrEqual(5_000);
    expect(here.failures).toEqual([]);
  });

  it('proves a principal with its role and namespaces', async () => {
    const node = new Node(await openStore());
    const { id, token } = await node.book.create(ROOT, { name: 'checkout', role: 'submitter', namespaces: ['shop'] });
    expect(await node.login(token)).toEqual({ id: `token:checkout/${id}`, roles: ['submitter'], namespaces: ['shop'] });
    const all = await node.book.create(ROOT, { name: 'ops', role: 'operator' });
    expect(await node.login(all.token)).toEqual({ id: `token:ops/${all.id}`, roles: ['operator'] });
  });

  it('is stored as a hash only, and listed without it', async () => {
    const store = await openStore();
    const node = new Node(store);
    const { id, token } = await node.book.create(ROOT, { name: 'checkout', role: 'viewer' });
    const stored = await store.kvScan({ namespace: '$holdfast', category: 'token', limit: 10 });
    const secret = token.slice(token.lastIndexOf('_') + 1);
    const listed = await node.book.list(ROOT, { limit: 10 });
    expect(listed.items).toMatchObject([{ id, name: 'checkout', createdBy: 'root', lastUsedAtMs: null }]);
    for (const text of [JSON.stringify(stored), JSON.stringify(listed)]) expect(text).not.toContain(secret);
    expect(JSON.stringify(listed)).not.toContain('hash');
  });

  it('cannot do more than its creator, and a creator sees no others', async () => {
    const node = new Node(await openStore());
    const create = (creator: Principal, grant: object) =>
      node.book.create(creator, { name: 'x', role: 'viewer', ...grant }).then(
        ({ allNamespaces, namespaces }) => (allNamespaces ? 'all' : namespaces),
        (error: HoldfastError) => error.message,
      );
    expect(await create(SHOP, {})).toEqual(['shop']);
    expect(await create(SHOP, { namespaces: ['shop', 'bank'] })).toContain('the namespace bank');
    expect(await create({ id: 'o', roles: ['operator'] }, { role: 'admin' })).toContain('the role admin');
    expect(await create(ANONYMOUS, { role: 'admin' })).toBe('all');
    const { id } = await node.book.create(ROOT, { name: 'everywhere', role: 'viewer' });
    const names = (await node.book.list(SHOP, { limit: 10 })).items.map(({ name }) => name);
    expect(names).toEqual(['x']);
    await expect(node.book.revoke(SHOP, id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(node.book.rotate(SHOP, id, 0)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('that is unknown, mistyped or has a wrong secret is rejected with one text', async () => {
    const node = new Node(await openStore());
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const wrong = [newTokenText(id), newTokenText('0000000000000000'), `${token.slice(0, -1)}#`, 'password'];
    for (const text of wrong) expect(await node.refusal(text)).toEqual(REJECTED);
    // A revoked token reveals that only to a caller with its secret.
    await node.book.revoke(ROOT, id);
    expect(await node.refusal(newTokenText(id), '192.0.2.2')).toEqual(REJECTED);
    expect(await node.refusal(token, '192.0.2.2')).toEqual(['unauthenticated', `the API token ${id} was revoked`]);
    expect(node.failures).toEqual(['rejected', 'rejected', 'rejected', 'rejected', 'rejected', 'revoked']);
  });

  it('expires, also while it is in use', async () => {
    const node = new Node(await openStore());
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer', expiresInMs: 60_000 });
    await node.login(token);
    node.advance(58_000);
    await node.login(token);
    node.advance(2_500);
    expect(await node.refusal(token)).toEqual(['unauthenticated', `the API token ${id} has expired`]);
  });

  it('A1 that is revoked fails at once on the node that revoked it, and within 5 s on others', async () => {
    const store = await openStore();
    const [here, there] = [new Node(store), new Node(store)];
    const { id, token } = await here.book.create(ROOT, { name: 'x', role: 'viewer' });
    await here.login(token);
    await there.login(token);
    await here.book.revoke(ROOT, id);
    expect((await here.refusal(token))[0]).toBe('unauthenticated');
    await there.login(token);
    there.advance(5_000);
    expect((await there.refusal(token))[0]).toBe('unauthenticated');
    // Also the use that is stored after the revocation does not undo it.
    expect((await here.book.get(id))?.revokedAtMs).toBeDefined();
  });

  it('A4 that another node has rotated is accepted at once, whatever this node has read before', async () => {
    const store = await openStore();
    const [here, there] = [new Node(store), new Node(store)];
    const { id, token } = await here.book.create(ROOT, { name: 'x', role: 'viewer' });
    await there.login(token);
    for (let rotation = 0; rotation < 3; rotation++) {
      const { token: renewed } = await here.book.rotate(ROOT, id, 60_000);
      there.advance(10);
      expect(await there.refusal(renewed)).toEqual(['accepted', '']);
    }
  });

  it('A4 is read at most ten times per second because of wrong texts', async () => {
    const store = await openStore();
    const node = new Node(store);
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    await node.login(token);
    let reads = 0;
    const get = node.book.get.bind(node.book);
    node.book.get = (read) => (reads++, get(read));
    const endMs = performance.now() + 450;
    while (performance.now() < endMs) {
      node.advance(1);
      // Failed logins of one address would be slowed down.
      const from = Array.from({ length: 20 }, (_, index) => `192.0.${node.monotonicMs}.${index}`);
      await Promise.all(from.map((address) => node.refusal(newTokenText(id), address)));
    }
    expect(reads).toBeGreaterThan(1);
    expect(reads).toBeLessThanOrEqual(6);
    expect(await node.refusal(token)).toEqual(['accepted', '']);
  });

  it('A1 that was being read while this node revoked it is read again', async () => {
    const store = await openStore();
    let release: (() => void) | undefined;
    const node = new Node(
      new Proxy(store, {
        get: (target, name) => {
          if (name === 'kvGet' && release === undefined)
            return async (id: Parameters<Store['kvGet']>[0]) => {
              const read = await store.kvGet(id);
              await new Promise<void>((resolve) => (release = resolve));
              return read;
            };
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      }),
    );
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const login = node.refusal(token);
    await expect.poll(() => release).toBeDefined();
    await node.book.revoke(ROOT, id);
    release?.();
    expect((await login)[0]).toBe('unauthenticated');
  });

  it('A1 is read again in the background while it is in use, so that no request waits', async () => {
    const node = new Node(await openStore());
    const { token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const credentials = { authorization: `Bearer ${token}` };
    await node.authenticator.authenticate(credentials);
    for (let round = 0; round < 10; round++) {
      node.advance(2_600);
      expect(node.authenticator.authenticate(credentials)).not.toBeInstanceOf(Promise);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('A2 is accepted for 5 s while the store is away, and is then unavailable without the store’s text', async () => {
    const store = await openStore();
    let isAway = false;
    const flaky = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown =>
          isAway
            ? Promise.reject(new StoreError('unavailable', 'no connection to 10.0.0.5'))
            : (Reflect.apply(value, target, args) as unknown);
      },
    });
    const node = new Node(flaky);
    const { token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    await node.login(token);
    isAway = true;
    node.advance(4_900);
    await node.login(token);
    node.advance(200);
    const [code, message] = await node.refusal(token);
    expect([code, message]).toEqual(['unavailable', 'the API token cannot be checked now; repeat the request']);
    isAway = false;
    await node.login(token);
  });

  it('that is rotated has a new secret, and the old one during the overlap', async () => {
    const node = new Node(await openStore());
    const old = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    await node.login(old.token);
    const renewed = await node.book.rotate(ROOT, old.id, 60_000);
    expect([renewed.id, renewed.token === old.token]).toEqual([old.id, false]);
    await node.login(old.token);
    await node.login(renewed.token);
    node.advance(61_000);
    expect((await node.refusal(old.token))[0]).toBe('unauthenticated');
    await node.login(renewed.token);
    const last = await node.book.rotate(ROOT, old.id, 0);
    expect((await node.refusal(renewed.token))[0]).toBe('unauthenticated');
    await node.login(last.token);
    await node.book.revoke(ROOT, old.id);
    await expect(node.book.rotate(ROOT, old.id, 0)).rejects.toMatchObject({ code: 'refused' });
  });

  it('that is rotated again keeps the overlap that the first rotation promised', async () => {
    const node = new Node(await openStore());
    const first = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const second = await node.book.rotate(ROOT, first.id, 60_000);
    node.advance(10_000);
    const third = await node.book.rotate(ROOT, first.id, 20_000);
    expect(third.previousValidUntilMs).toBe(second.previousValidUntilMs);
    for (const { token } of [first, second, third]) await node.login(token);
    node.advance(21_000);
    await node.login(first.token);
    expect((await node.refusal(second.token))[0]).toBe('unauthenticated');
    node.advance(30_000);
    expect((await node.refusal(first.token))[0]).toBe('unauthenticated');
    await node.login(third.token);
  });

  it('that is rotated without an overlap rejects all of its previous texts at once', async () => {
    const node = new Node(await openStore());
    const first = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const second = await node.book.rotate(ROOT, first.id, 60_000);
    const third = await node.book.rotate(ROOT, first.id, 0);
    for (const { token } of [first, second]) expect((await node.refusal(token))[0]).toBe('unauthenticated');
    await node.login(third.token);
  });

  it('that was replaced is rejected with a text that names the rotation, only for the right secret', async () => {
    const node = new Node(await openStore());
    const first = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const replaced = (id: string) => [
      'unauthenticated',
      `this text of the API token ${id} was replaced by a rotation; use the new text`,
    ];
    const second = await node.book.rotate(ROOT, first.id, 60_000);
    node.advance(61_000);
    expect(await node.refusal(first.token)).toEqual(replaced(first.id));
    await node.book.rotate(ROOT, first.id, 0);
    expect(await node.refusal(second.token)).toEqual(replaced(first.id));
    expect(await node.refusal(newTokenText(first.id))).toEqual(REJECTED);
    expect(node.failures).toEqual(['replaced', 'replaced', 'rejected']);
  });

  it('has at most five texts at once; a further rotation is rejected until an overlap ends', async () => {
    let aheadMs = 0;
    const node = new Node(await openStore(() => Date.now() + aheadMs));
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const texts = [token];
    for (let round = 0; round < 4; round++) texts.push((await node.book.rotate(ROOT, id, 60_000)).token);
    const further = node.book.rotate(ROOT, id, 60_000);
    await expect(further).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('4 previous texts'),
    });
    for (const text of texts) await node.login(text);
    aheadMs += 60_000;
    node.advance(aheadMs);
    await node.book.rotate(ROOT, id, 60_000);
    // An emergency does not wait.
    for (let round = 0; round < 3; round++) await node.book.rotate(ROOT, id, 60_000);
    await node.book.rotate(ROOT, id, 0);
    expect((await node.refusal(texts.at(-1) ?? ''))[0]).toBe('unauthenticated');
  });

  it('that expires creates and rotates only tokens that expire no later', async () => {
    const node = new Node(await openStore());
    const own = await node.book.create(ROOT, { name: 'admin', role: 'admin', expiresInMs: 60_000 });
    const other = await node.book.create(ROOT, { name: 'other', role: 'viewer' });
    const admin = await node.login(own.token);
    const made = await node.book.create(admin, { name: 'child', role: 'viewer' });
    expect(made.expiresAtMs).toBe(own.expiresAtMs);
    expect(
      (await node.book.create(admin, { name: 'short', role: 'viewer', expiresInMs: 1_000 })).expiresAtMs,
    ).toBeLessThan(own.expiresAtMs ?? 0);
    await expect(
      node.book.create(admin, { name: 'long', role: 'viewer', expiresInMs: 3_600_000 }),
    ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('longer than its creator') });
    await expect(node.book.rotate(admin, other.id, 0)).rejects.toMatchObject({ code: 'forbidden' });
    await node.login(other.token);
    await node.book.rotate(admin, own.id, 1_000);
    // An emergency does not wait for an administrator without expiry.
    expect((await node.book.list(admin, { limit: 10 })).items).toHaveLength(4);
    await node.book.revoke(admin, other.id);
    expect((await node.refusal(other.token))[0]).toBe('unauthenticated');
  });

  it('has the time of its last use, stored at most once per minute', async () => {
    const store = await openStore();
    const node = new Node(store);
    const { id, token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const versionAfter = async () => {
      await node.login(token);
      await new Promise((resolve) => setImmediate(resolve));
      return (await node.book.get(id))?.version;
    };
    expect(await versionAfter()).toBe(2);
    expect((await node.book.get(id))?.lastUsedAtMs).toBe(node.nowMs);
    node.advance(30_000);
    expect(await versionAfter()).toBe(2);
    node.advance(31_000);
    expect(await versionAfter()).toBe(3);
  });

  it('is one of at most 1,000; those that ended long ago give way', async () => {
    const store = await openStore();
    const node = new Node(store);
    const value = (fields: object) =>
      JSON.stringify({ format: 1, name: 'x', role: 'viewer', hash: '', createdAtMs: 0, createdBy: 'r', ...fields });
    for (let index = 0; index < LIMITS.tokens; index++)
      await store.kvPut({ namespace: '$holdfast', category: 'token', key: `k${index}` }, value({}), 0);
    await expect(node.book.create(ROOT, { name: 'x', role: 'viewer' })).rejects.toMatchObject({ code: 'too_large' });
    await store.kvPut({ namespace: '$holdfast', category: 'token', key: 'k7' }, value({ revokedAtMs: 1 }), 1);
    await expect(node.book.create(ROOT, { name: 'x', role: 'viewer' })).resolves.toBeDefined();
    expect(await node.book.get('k7')).toBeUndefined();
  });

  it('gives way to a new one when it has ended and there are 1,000, the longest ended first', async () => {
    const store = await openStore();
    const node = new Node(store);
    const value = (fields: object) =>
      JSON.stringify({ format: 1, name: 'x', role: 'viewer', hash: '', createdAtMs: 0, createdBy: '', ...fields });
    const ended = (index: number) => {
      if (index === 5) return { revokedAtMs: node.nowMs - 2_000 };
      if (index === 6) return { expiresAtMs: node.nowMs - 3_000 };
      return index === 7 ? { expiresAtMs: node.nowMs - 9_000, revokedAtMs: node.nowMs - 1_000 } : {};
    };
    for (let index = 0; index < LIMITS.tokens; index++)
      await store.kvPut({ namespace: '$holdfast', category: 'token', key: `k${index}` }, value(ended(index)), 0);
    const kept = async () => {
      await node.book.create(ROOT, { name: 'x', role: 'viewer' });
      const found = await Promise.all(['k5', 'k6', 'k7'].map((id) => node.book.get(id)));
      return found.flatMap((token) => token?.id ?? []);
    };
    expect(await kept()).toEqual(['k5', 'k6']);
    expect(await kept()).toEqual(['k5']);
    expect(await kept()).toEqual([]);
    await expect(node.book.create(ROOT, { name: 'x', role: 'viewer' })).rejects.toThrow(/revoke those/);
  });
});

describe('failed logins', () => {
  it('of one address are slowed down; valid tokens and other addresses are not', async () => {
    const node = new Node(await openStore());
    const { token } = await node.book.create(ROOT, { name: 'x', role: 'viewer' });
    const heldMs: number[] = [];
    const hold = vi.spyOn(FailedLogins.prototype, 'hold').mockImplementation(async (ms) => void heldMs.push(ms));
    onTestFinished(() => hold.mockRestore());
    for (let round = 0; round < 5; round++) await node.refusal('x');
    expect(heldMs).toEqual([]);
    await node.refusal('x');
    await node.refusal('x');
    expect(heldMs).toEqual([100, 200]);
    await node.login(token);
    await node.refusal('x', '192.0.2.2');
    node.advance(61_000);
    await node.refusal('x');
    expect(heldMs).toEqual([100, 200]);
  });

  it('that are held back are bounded: more are rejected at once', async () => {
    const node = new Node(await openStore());
    const attempts = Array.from({ length: 5_010 }, () => node.refusal('x'));
    const codes = (await Promise.all(attempts)).map(([code]) => code);
    expect(codes.filter((code) => code === 'too_many_requests')).toHaveLength(5);
  });

  it('are logged once per minute, with their number', async () => {
    const node = new Node(await openStore());
    for (let round = 0; round < 4; round++) await node.refusal('x');
    node.advance(60_000);
    await node.refusal('x');
    expect(node.warnings).toEqual([
      { times: 1, reason: 'rejected', address: '192.0.2.1' },
      { times: 4, reason: 'rejected', address: '192.0.2.1' },
    ]);
  });
});

describe('the bootstrap token', () => {
  const log = { info: () => undefined, warn: () => undefined };

  it('is created once, whichever of several nodes starts first', async () => {
    const store = await openStore();
    const nodes = Array.from({ length: 5 }, () => new Node(store));
    const texts = await Promise.all(nodes.map(({ book }) => bootstrap(book, undefined, log)));
    const [text, ...more] = texts.filter((each) => each !== undefined);
    expect(more).toEqual([]);
    for (const node of nodes) expect(await node.login(text ?? '')).toMatchObject({ roles: ['admin'] });
    expect(await bootstrap(new TokenBook(store), undefined, log)).toBeUndefined();
  });

  it('of a file is accepted and not shown, and ignored with a warning when the store has another', async () => {
    const store = await openStore();
    const node = new Node(store);
    const warnings: string[] = [];
    const noting = { info: () => undefined, warn: (_: object, text: string) => void warnings.push(text) };
    const text = newBootstrapText();
    expect(await bootstrap(node.book, text, noting)).toBeUndefined();
    await node.login(text);
    expect(await bootstrap(node.book, text, noting)).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(await bootstrap(node.book, newBootstrapText(), noting)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('the store has tokens already')]);
    await node.login(text);
  });

  it('that was revoked is not created again', async () => {
    const node = new Node(await openStore());
    await bootstrap(node.book, undefined, log);
    await node.book.revoke(ROOT, 'bootstrap');
    expect(await bootstrap(node.book, undefined, log)).toBeUndefined();
  });

  it('and every other admin token being invalid is a warning that states what to do', async () => {
    const node = new Node(await openStore());
    const warnings: string[] = [];
    const warningsNow = async (): Promise<readonly string[]> => {
      warnings.length = 0;
      await warnWithoutAdmin(node.book, { warn: (_: object, text: string) => void warnings.push(text) });
      return [...warnings];
    };
    await bootstrap(node.book, undefined, log);
    expect(await warningsNow()).toEqual([]);
    await node.book.create(ROOT, { name: 'bob', role: 'operator' });
    await node.book.create(ROOT, { name: 'shop', role: 'admin', namespaces: ['shop'] });
    await node.book.create(ROOT, { name: 'old', role: 'admin', expiresInMs: 0 });
    await node.book.revoke(ROOT, 'bootstrap');
    expect(await warningsNow()).toEqual([expect.stringContaining('holdfast token create NAME --role admin')]);
    await node.book.create(ROOT, { name: 'ann', role: 'admin', expiresInMs: 60_000 });
    expect(await warningsNow()).toEqual([]);
  });
});
