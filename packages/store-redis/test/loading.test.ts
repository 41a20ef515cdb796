import { StoreError } from '@holdfast/core/store';
import { expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { insertOf } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

/** A server that is loading serves its connections once in a thousand commands. */
const STORED = 4_000;

describeWith(['redis-server'], 'a server that reads its file after a crash', () => {
  // As slow as if it had read thousands of times as much.
  const { url, server } = useServer({ settings: ['--key-load-delay', '150'] });

  it('rejects calls until it has loaded all its data, and is used again then', async () => {
    const store = createRedisStore({ url: url(), prefix: newPrefix() });
    await store.open();
    await store.write(Array.from({ length: STORED }, (_, i) => insertOf(`gid-${i}`)));
    await server().kill();
    const starting = { ended: false };
    const start = server()
      .start()
      .finally(() => (starting.ended = true));
    const refusals: StoreError[] = [];
    while (!starting.ended) {
      const written = await store.write([insertOf('meanwhile')]).catch((thrown: unknown) => thrown);
      if (written instanceof StoreError) refusals.push(written);
      else expect(written).toMatchObject([{ kind: 'applied', version: 1 }]);
    }
    await start;
    expect(refusals.map(({ message }) => message)).toContainEqual(expect.stringContaining('LOADING'));
    // Nothing was sent to it, so nothing is in doubt.
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['unavailable']));
    expect(await store.write([insertOf('meanwhile')])).toMatchObject([{ kind: 'applied', version: 1 }]);
    expect((await store.count()).byStatus.submitted).toBe(STORED + 1);
    await store.close();
  });
});
