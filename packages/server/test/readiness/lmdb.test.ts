import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe } from 'vitest';
import { itFollowsWrites } from '../support/readiness-suite.ts';

const MOUNT = ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs'];
/** Less than any write needs. */
const ROOM_BYTES = 256 * 1024;

// Where this process may mount: in a container with the right to, as root.
if (canMount())
  describe('a node on an LMDB that it can read but not write', () => {
    const disk = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
    beforeAll(() => promisify(execFile)('mount', [...MOUNT, disk]));
    afterAll(async () => {
      await promisify(execFile)('umount', [disk]);
      await rm(disk, { recursive: true });
    });

    itFollowsWrites(
      () => `lmdb:${join(disk, 'data')}`,
      [
        {
          name: 'its disk is full',
          cause: /bytes are free on the disk/,
          begin: async () => {
            const { bavail, bsize } = statfsSync(disk);
            const filler = join(disk, 'filler');
            await writeFile(filler, Buffer.alloc(bavail * bsize - ROOM_BYTES));
            return () => rm(filler, { force: true });
          },
        },
      ],
    );
  });

function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  const isMounted = spawnSync('mount', [...MOUNT, place]).status === 0;
  if (isMounted) spawnSync('umount', [place]);
  rmSync(place, { recursive: true });
  return isMounted;
}
