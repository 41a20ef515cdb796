import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startServer } from '@holdfast/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './support/run-cli.ts';

let server: RunningServer;
let folder = '';
let adminFile = '';

beforeAll(async () => {
  server = await startServer({ store: 'memory:', httpPort: 0, grpc: false, drainTimeout: 0, auth: true });
  folder = await mkdtemp(join(tmpdir(), 'holdfast-token-'));
  adminFile = join(folder, 'admin.token');
  await writeFile(adminFile, `${server.bootstrapToken}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const cli = (line: string, file = adminFile) =>
  runCli([...line.split(' '), '--server', server.url, '--token-file', file]);

describe('holdfast token', () => {
  it('creates a token, whose text works and is on standard output alone', async () => {
    const { out, err, exitCode } = await cli(
      'token create checkout --role submitter --namespaces shop --expires-in 90d',
    );
    expect([exitCode, out]).toEqual([0, [expect.stringMatching(/^hf_[0-9a-z]{16}_[0-9a-z]{64}$/)]]);
    expect(err.join('')).toMatch(
      /^token [0-9a-z]{16} \(checkout, submitter, expires .*\); its text is shown only now$/,
    );
    expect(err.join('')).not.toContain(out[0]);
    const file = join(folder, 'checkout.token');
    await writeFile(file, out[0] ?? '');
    expect((await cli('list -o json', file)).exitCode).toBe(0);
    const refused = await cli('token list', file);
    expect([refused.exitCode, refused.err]).toEqual([1, [expect.stringContaining('needs the role admin')]]);
  });

  it('creates a token with limits, which the lists as JSON show', async () => {
    const limits = '--max-rate 50 --max-burst 0 --max-bytes 4MiB --max-in-flight 200';
    const [text = ''] = (await cli(`token create bulk --role viewer ${limits} -o ids`)).out;
    const listed = JSON.parse((await cli('token list -o json')).out.join('\n')) as readonly { id: string }[];
    const tooMuch = await cli('token create bulk --role viewer --max-bytes 999999999MiB');
    expect([tooMuch.exitCode, tooMuch.err.join('')]).toEqual([1, expect.stringContaining('--max-bytes: ')]);
    expect(listed.find(({ id }) => id === text.split('_')[1])).toMatchObject({
      limits: { requestsPerSecond: 50, burst: 0, bytesPerSecond: 4_194_304, inFlight: 200 },
    });
  });

  it('lists, rotates and revokes tokens', async () => {
    const [text = ''] = (await cli('token create ann --role viewer -o ids')).out;
    const id = text.split('_')[1] ?? '';
    const [renewed = ''] = (await cli(`token rotate ${id} --overlap 1h -o ids`)).out;
    expect([renewed.startsWith(`hf_${id}_`), renewed === text]).toEqual([true, false]);
    expect((await cli(`token revoke ${id}`)).exitCode).toBe(0);
    const listed = (await cli('token list')).out.join('\n');
    expect(listed).toMatch(new RegExp(`${id} .*ann .*viewer .*all .*revoked`));
    for (const secret of [text, renewed]) expect(listed).not.toContain(secret.slice(-20));
  });

  it.each([
    ['token create a --role boss', 2],
    ['token create a', 2],
    ['token create a --role viewer --expires-in soon', 2],
    ['token create a --role viewer --max-rate fast', 2],
    ['token create a --role viewer --max-bytes 1MB', 2],
    ['token create a --role viewer --max-in-flight -1', 2],
    ['token create a/b --role viewer', 1],
    ['token create a --role viewer --namespaces $x', 1],
    ['token revoke 0000000000000000', 1],
    ['list --namespace $x', 2],
  ])('rejects %s', async (line, exitCode) => {
    const result = await cli(line);
    expect([result.exitCode, [...result.err, ...result.out].join('').includes('hf_')]).toEqual([exitCode, false]);
  });

  it('generates a bootstrap token that a new store accepts from a file', async () => {
    const { out } = await runCli(['token', 'generate']);
    const file = join(folder, 'bootstrap.token');
    await writeFile(file, out.join('\n'), { mode: 0o600 });
    const config = {
      store: 'memory:',
      httpPort: 0,
      grpc: false,
      drainTimeout: 0,
      auth: true,
      bootstrapTokenFile: file,
    };
    const other = await startServer(config);
    try {
      expect(other.bootstrapToken).toBeUndefined();
      expect((await runCli(['token', 'list', '--server', other.url, '--token-file', file])).exitCode).toBe(0);
    } finally {
      await other.close();
    }
  });
});

describe('a command without a valid token', () => {
  it('shows what is missing, and never the token', async () => {
    const none = await runCli(['list', '--server', server.url]);
    expect([none.exitCode, none.err.join('')]).toEqual([1, expect.stringContaining('no credentials')]);
    // The advice is not mistaken for a secret.
    expect(none.err.join('')).toContain('Authorization (Bearer TOKEN)');
    const file = join(folder, 'wrong.token');
    await writeFile(file, 'hf_wrong_token');
    const wrong = await cli('list', file);
    expect([wrong.exitCode, wrong.err.join('')]).toEqual([1, expect.stringContaining('the API token is not valid')]);
    expect((await cli('list', join(folder, 'none'))).err).toEqual([expect.stringContaining('ENOENT')]);
    await writeFile(file, 'two words');
    expect((await cli('list', file)).exitCode).toBe(2);
  });
});
