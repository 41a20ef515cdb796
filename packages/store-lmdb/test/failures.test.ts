import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertOf } from '../../conformance/test/support/items.ts';
import { createLmdbStore } from '../src/index.ts';
import { writeRaw } from './golden.ts';
import { newFolder, programPath } from './place.ts';

let path: string;
beforeEach(async () => {
  path = await newFolder();
});
afterEach(() => rm(path, { recursive: true, force: true }));

describe('another process', () => {
  it('is named, and the folder too, when it has the store open', async () => {
    const writer = spawn(process.execPath, [programPath('crash-writer.mjs'), path, 'run'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(writer.stdout, 'data');
      const opening = createLmdbStore({ path }).open();
      await expect(opening).rejects.toMatchObject({ code: 'locked' });
      await expect(opening).rejects.toThrow(`${path} is open in process ${writer.pid}`);
    } finally {
      const gone = once(writer, 'exit');
      writer.kill('SIGKILL');
      await gone;
    }
  });

  it('is not hindered by somebody who was refused', async () => {
    const first = createLmdbStore({ path });
    await first.open();
    const refused = await Promise.allSettled(Array.from({ length: 3 }, () => createLmdbStore({ path }).open()));
    expect(refused.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    await first.write([insertOf('a')]);
    expect(await first.get([{ namespace: 'default', gid: 'a' }])).toMatchObject([{ version: 1 }]);
    await first.close();
  });
});

describe('a folder that cannot be used', () => {
  it.each([
    ['a file where the folder should be', async (place: string) => writeFile(place, 'text')],
    [
      'a data file of something else',
      async (place: string) => {
        await mkdir(place);
        await writeFile(join(place, 'data.mdb'), Buffer.alloc(20_000, 7));
      },
    ],
  ])('is named: %s', async (_, prepare) => {
    const place = join(path, 'data');
    await prepare(place);
    const opening = createLmdbStore({ path: place }).open();
    await expect(opening).rejects.toMatchObject({ code: 'unavailable' });
    await expect(opening).rejects.toThrow(`${place} cannot be opened`);
  });

  it('is made, with those around it, when it is not there', async () => {
    const store = createLmdbStore({ path: join(path, 'a', 'b') });
    await store.open();
    expect(existsSync(join(path, 'a', 'b', 'data.mdb'))).toBe(true);
    await store.close();
  });
});

describe('a full disk', () => {
  it('fails the write, applies nothing of it, and loses nothing that was acknowledged', async () => {
    const limited = [
      '-c',
      'ulimit -f 4096; exec "$0" "$@"',
      process.execPath,
      programPath('full-disk-writer.mjs'),
      path,
    ];
    const { stdout } = await promisify(execFile)('sh', limited);
    const seen = JSON.parse(stdout) as Record<string, unknown>;
    expect(seen).toMatchObject({ error: { name: 'StoreError', code: 'unavailable' }, sneakedIn: 0 });
    expect(seen['acknowledged']).toBeGreaterThan(100);
    expect([seen['kept'], seen['counted']]).toEqual([seen['acknowledged'], seen['acknowledged']]);
    const store = createLmdbStore({ path });
    await store.open();
    await store.openSession('keeper', { node: 'test', version: '1' });
    let released = 0;
    for (let more = true; more;) {
      const taken = await store.takeOver({ silenceMs: -1, keep: 'keeper', limit: 1_000 });
      released += taken.released;
      more = taken.more;
    }
    expect(released).toBe(seen['acknowledged']);
    await store.close();
  });
});

describe('data of a newer Holdfast', () => {
  const schemaKey = Buffer.from('\u0001schema', 'latin1');

  it('is refused when its schema is newer, and left as it is', async () => {
    await writeRaw(path, [[schemaKey, Buffer.from([0, 0, 0, 99])]]);
    for (let attempt = 0; attempt < 2; attempt++) {
      const opening = createLmdbStore({ path }).open();
      await expect(opening).rejects.toMatchObject({ code: 'unsupported_format' });
      await expect(opening).rejects.toThrow('schema version 99');
    }
  });

  it('is refused when a record has a newer format', async () => {
    const store = createLmdbStore({ path });
    await store.open();
    await store.write([insertOf('a')]);
    await store.close();
    await writeRaw(path, [[Buffer.from('\u0007\u0000\u0007defaulta', 'latin1'), Buffer.from([2, 0, 0, 0, 0, 0, 1])]]);
    await store.open();
    await expect(store.get([{ namespace: 'default', gid: 'a' }])).rejects.toMatchObject({ code: 'unsupported_format' });
    await store.close();
  });
});
