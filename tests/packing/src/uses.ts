/**
 * What is done with an installed package, beyond loading all its modules: the body of an async
 * function that gets `load` (import or require) and must print `works`. It runs the same in an ESM
 * and a CommonJS project.
 */
export const USES: Readonly<Record<string, string>> = {
  '@holdfast/protocol': `
    const { resultOfHttp } = await load('@holdfast/protocol');
    if (resultOfHttp(409, '').kind === 'FAILURE') print('works');`,

  '@holdfast/http2': `
    const { encodeHeaders } = await load('@holdfast/http2');
    if (encodeHeaders([[':status', '200']]).toString('hex') === '88') print('works');`,

  '@holdfast/client': `
    const { connect, CoordinatorUnreachable } = await load('@holdfast/client');
    const hf = connect('http://127.0.0.1:1', { retryForMs: 0 });
    try {
      await hf.get('nobody');
    } catch (error) {
      if (error instanceof CoordinatorUnreachable) print('works');
    }
    await hf.close();`,

  '@holdfast/embed': `
    const { embed } = await load('@holdfast/embed');
    const calls = [];
    const branches = { debit: async () => calls.push('debit'), refund: async () => calls.push('refund') };
    const hf = await embed({ store: 'lmdb:./data', branches });
    const step = { action: hf.branches.debit, compensate: hf.branches.refund };
    const { status } = await hf.saga().step(step).submit({ wait: true });
    await hf.close();
    if (status === 'succeed' && calls.join() === 'debit') print('works');`,

  '@holdfast/core': `
    const { MemoryStore } = await load('@holdfast/core/memory-store');
    const { CheckedStore } = await load('@holdfast/core/store');
    if (typeof MemoryStore === 'function' && typeof CheckedStore === 'function') print('works');`,

  '@holdfast/store-lmdb': `
    const { createLmdbStore } = await load('@holdfast/store-lmdb');
    const store = createLmdbStore({ path: './store' });
    await store.open();
    await store.close();
    print('works');`,

  '@holdfast/store-mysql': `
    const { createMysqlStore } = await load('@holdfast/store-mysql');
    try {
      await createMysqlStore({ url: 'mysql://nobody@127.0.0.1:1/none' }).open();
    } catch (error) {
      if (error.code === 'unavailable') print('works');
    }`,

  '@holdfast/store-postgres': `
    const { createPostgresStore } = await load('@holdfast/store-postgres');
    try {
      await createPostgresStore({ url: 'postgres://nobody@127.0.0.1:1/none' }).open();
    } catch (error) {
      if (error.code === 'unavailable') print('works');
    }`,

  '@holdfast/store-redis': `
    const { createRedisStore } = await load('@holdfast/store-redis');
    try {
      await createRedisStore({ url: 'redis://127.0.0.1:1' }).open();
    } catch (error) {
      if (error.code === 'unavailable') print('works');
    }`,

  '@holdfast/branches': `
    const { LocalBranches } = await load('@holdfast/branches');
    new LocalBranches().register('debit', () => undefined);
    print('works');`,

  '@holdfast/api': `
    const { systemIdentities } = await load('@holdfast/api');
    if (systemIdentities().newGid().length === 26) print('works');`,

  '@holdfast/conformance': `
    const suites = await load('@holdfast/conformance');
    if (Object.values(suites).every((suite) => suite !== undefined)) print('works');`,

  '@holdfast/server': `
    const { startServer } = await load('@holdfast/server');
    const server = await startServer({ store: 'memory:', httpPort: 0 });
    const { status } = await fetch(server.url + '/readyz');
    await server.close();
    if (status === 200) print('works');`,

  '@holdfast/cli': `
    const { execFileSync } = await load('node:child_process');
    const help = execFileSync('node_modules/.bin/holdfast', ['--help'], { encoding: 'utf8' });
    if (help.includes('holdfast') && help.includes('serve')) print('works');`,
};

/** Optional peers that some of a package's modules cannot be loaded without: installed with it. */
export const PEERS: Readonly<Record<string, readonly string[]>> = {
  '@holdfast/client': ['redis@^6.0.0', '@grpc/grpc-js@^1.14.7'],
};
