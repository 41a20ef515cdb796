import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { chmod, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { insertOf } from '@holdfast/testing/store-cases';
import { Changes } from '../src/changes.ts';
import { createLmdbStore } from '../src/index.ts';
import { DiskRoom } from '../src/room.ts';
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

  it('is not affected by a process that was rejected', async () => {
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

  it('is made when it is not there, but not with those around it: the path may be mistyped', async () => {
    const store = createLmdbStore({ path: join(path, 'a') });
    expect(await store.open()).toMatchObject({ found: 0 });
    await store.close();
    const deeper = createLmdbStore({ path: join(path, 'b', 'c') }).open();
    await expect(deeper).rejects.toThrow(`the folder ${join(path, 'b')}, in which it would be made, does not exist`);
    expect(existsSync(join(path, 'b'))).toBe(false);
  });
});

describe('what is at the path', () => {
  const expectRefusal = async (place: string, words: RegExp): Promise<void> => {
    const opening = createLmdbStore({ path: place }).open();
    await expect(opening).rejects.toMatchObject({ code: 'unavailable' });
    await expect(opening).rejects.toThrow(words);
  };

  it('is named in the error when it is not a folder: a file, a device, a pipe, a dangling link', async () => {
    await writeFile(join(path, 'file'), 'text');
    await promisify(execFile)('mkfifo', [join(path, 'pipe')]);
    await symlink(join(path, 'nowhere'), join(path, 'link'));
    await expectRefusal(join(path, 'file'), /it is a file, not a folder/);
    await expectRefusal('/dev/null', /it is a device, not a folder/);
    await expectRefusal(join(path, 'pipe'), /it is a named pipe, not a folder/);
    await expectRefusal(join(path, 'link'), /it is a link that leads nowhere/);
  });

  it.each(['data.mdb', 'lock.mdb'])('is named in the error when its %s is not a file', async (name) => {
    await mkdir(join(path, name));
    await expectRefusal(path, new RegExp(`its ${name} is a folder`));
    await rm(join(path, name), { recursive: true });
    await promisify(execFile)('mkfifo', [join(path, name)]);
    await expectRefusal(path, new RegExp(`its ${name} is a named pipe`));
  });

  it('is named when nothing can be written there', async () => {
    await expectRefusal('/proc/self', /may not write in it \(E[A-Z]+\)/);
    await expectRefusal('/proc/none', /cannot be made in \/proc \((?:ENOENT|EACCES|EPERM)\): change its owner/);
  });
});

describe('the files of a store', () => {
  const modes = async (): Promise<string[]> =>
    Promise.all(
      [join(path, 'new'), join(path, 'new', 'data.mdb'), join(path, 'new', 'lock.mdb')].map(async (file) =>
        ((await stat(file)).mode & 0o777).toString(8),
      ),
    );

  it('are for its user alone', async () => {
    const store = createLmdbStore({ path: join(path, 'new') });
    await store.open();
    await store.close();
    expect(await modes()).toEqual(['700', '600', '600']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the log is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the log is full'))],
  ])('become so although the hook for warnings %s', async (_what, onWarning) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const open = async (): Promise<void> => {
      const store = createLmdbStore({ path: join(path, 'new'), onWarning: onWarning as object as () => void });
      await store.open();
      await store.close();
    };
    await open();
    await chmod(join(path, 'new', 'data.mdb'), 0o644);
    await open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await modes()).toEqual(['700', '600', '600']);
    expect(unhandled).toEqual([]);
  });

  it('become private, with one warning, when an earlier version made them readable', async () => {
    const warnings: string[] = [];
    const open = async (): Promise<void> => {
      const store = createLmdbStore({ path: join(path, 'new'), onWarning: (text) => warnings.push(text) });
      await store.open();
      await store.close();
    };
    await open();
    for (const file of ['data.mdb', 'lock.mdb']) await chmod(join(path, 'new', file), 0o644);
    expect(warnings).toEqual([]);
    await open();
    expect(await modes()).toEqual(['700', '600', '600']);
    expect(warnings).toEqual([
      expect.stringMatching(/data\.mdb could be read by other users .*0644/),
      expect.stringMatching(/lock\.mdb could be read by other users .*0644/),
    ]);
    await open();
    expect(warnings).toHaveLength(2);
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

describe('a disk without room', () => {
  it('rejects a write before it reaches LMDB, whose out-of-space error corrupts the heap', () => {
    const changes = new Changes();
    const start = changes.writer.position;
    changes.writer.bytes(new Uint8Array(1_000_000));
    changes.put(Buffer.of(1), start);
    const refusal = (free: number): unknown => {
      try {
        new DiskRoom(path, () => free).assertFor(changes);
        return 'there is room';
      } catch (error) {
        return error;
      }
    };
    expect(refusal(2_500_000)).toMatchObject({ code: 'unavailable' });
    expect(refusal(0)).toMatchObject({ code: 'unavailable' });
    expect(refusal(3_000_000)).toBe('there is room');
  });

  it('reads the free space again when the last reading may be used up', () => {
    const changes = new Changes();
    const start = changes.writer.position;
    changes.writer.bytes(new Uint8Array(1_000_000));
    changes.put(Buffer.of(1), start);
    let free = 1_026 * 1_024 * 1_024;
    const room = new DiskRoom(path, () => free);
    room.assertFor(changes);
    free = 0;
    expect(() => room.assertFor(changes)).toThrow(/^0 bytes are free/);
  });
});

// Where this process may mount: in a container with the right to, as root.
if (canMount())
  describe('a small disk that gets full', () => {
    it('rejects writes repeatedly, and the process exits cleanly', async () => {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path]);
      try {
        const { stdout } = await promisify(execFile)(process.execPath, [
          programPath('small-disk-writer.mjs'),
          join(path, 'data'),
        ]);
        expect(JSON.parse(stdout)).toMatchObject({ refused: 400, codes: ['unavailable'], kept: 'all' });
      } finally {
        await promisify(execFile)('umount', [path]);
      }
    });
  });

function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place]).status === 0;
  if (mounted) spawnSync('umount', [place]);
  rmSync(place, { recursive: true });
  return mounted;
}

describe('data of a newer Holdfast', () => {
  const schemaKey = Buffer.from('\u0001schema', 'latin1');

  it('is rejected when its schema is newer, and is not changed', async () => {
    await writeRaw(path, [[schemaKey, Buffer.from([0, 0, 0, 99])]]);
    for (let attempt = 0; attempt < 2; attempt++) {
      const opening = createLmdbStore({ path }).open();
      await expect(opening).rejects.toMatchObject({ code: 'unsupported_format' });
      await expect(opening).rejects.toThrow('schema version 99');
    }
  });

  it('is rejected when a record has a newer format', async () => {
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
