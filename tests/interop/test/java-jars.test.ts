import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDataFolder, removeDataFolder } from '@holdfast/testing/servers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { verifyHashes } from '../src/java-cases.ts';

const HASH_OF_A = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb';
let folder: string;

beforeEach(async () => {
  folder = await createDataFolder('jars', undefined);
  await writeFile(join(folder, 'a.jar'), 'a');
});
afterEach(() => removeDataFolder(folder));

it('accepts the listed jars', async () => {
  await expect(verifyHashes(folder, `${HASH_OF_A}  a.jar\n`)).resolves.toBeUndefined();
});

it('rejects a jar with other contents, one that is not listed, and one that is missing', async () => {
  await writeFile(join(folder, 'b.jar'), 'b');
  const listed = `${HASH_OF_A.replace('c', 'd')}  a.jar\n${HASH_OF_A}  c.jar\n`;
  await expect(verifyHashes(folder, listed)).rejects.toThrow(
    /not listed: ca97\w+ {2}a\.jar\nnot listed: \w+ {2}b\.jar\nnot found: \w+ {2}a\.jar\nnot found: \w+ {2}c\.jar/,
  );
});
