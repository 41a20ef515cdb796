import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestServer } from '@holdfast/testing/test-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shownArguments } from '../src/process-title.ts';
import { callerOf } from '../src/coordinator/caller.ts';
import { runCli } from './support/run-cli.ts';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-files-'))));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text, { mode: 0o600 });
  return `file:${join(folder, name)}`;
}

describe('an option of a command that may contain a secret', () => {
  it('reads the file of file:PATH: --server, --store', async () => {
    await using server = await TestServer.start();
    const at = await file('server', `${server.url.replace('//', '//any:hunter2@')}\n`);
    const listed = await runCli(['list', '--server', at]);
    expect([listed.exitCode, listed.err.join()]).toEqual([0, 'no transaction matches']);
    const store = await file('store', `lmdb:${folder}/data`);
    const doctor = await runCli(['doctor', '--http-port', '0', '--store', store, '--server', at]);
    expect(doctor.out.join('\n')).toMatch(/: ready/);
    const migrated = await runCli(['migrate', '--store', store]);
    expect([migrated.exitCode, migrated.out.join()]).toEqual([0, expect.stringContaining('created: schema version')]);
  });

  it('is a database of doctor, xa recover and import, whose errors do not repeat the text', async () => {
    await using server = await TestServer.start();
    const url = await file('database', 'postgres://u:hunter2@127.0.0.1:1/db');
    for (const args of [
      ['doctor', '--http-port', '0', '--store', 'memory:', '--barrier', url],
      ['xa', 'recover', '--server', server.url, '--url', url],
      ['import', '--from', url],
    ]) {
      const { out, err } = await runCli(args);
      const shown = [...out, ...err].join('\n');
      expect(shown).toContain('127.0.0.1:1');
      expect(shown).not.toContain('hunter2');
    }
  });

  it('is wrong usage if the file cannot be read', async () => {
    for (const args of [
      ['list', '--server', 'file:/nowhere'],
      ['xa', 'recover', '--url', 'file:/nowhere'],
      ['import', '--from', 'file:/nowhere'],
      ['migrate', '--store', 'file:/nowhere'],
      ['doctor', '--server', 'file:/nowhere'],
    ]) {
      const { exitCode, err } = await runCli(args);
      expect([args[0], exitCode, err.join('\n')]).toEqual([
        args[0],
        2,
        expect.stringContaining('file:/nowhere: there is no such file'),
      ]);
    }
  });

  it('is the token of HOLDFAST_TOKEN', async () => {
    const path = await file('token', 'hf_abcd_0123456789\n');
    expect(await callerOf({}, { HOLDFAST_TOKEN: path })).toEqual({ token: 'hf_abcd_0123456789' });
    await expect(callerOf({}, { HOLDFAST_TOKEN: 'file:/nowhere' })).rejects.toThrow(
      'HOLDFAST_TOKEN=file:/nowhere: ENOENT',
    );
    const two = await file('two', 'hunter2\nhunter3');
    const refused = await callerOf({}, { HOLDFAST_TOKEN: two }).catch(String);
    expect(refused).toContain('does not contain an API token');
    expect(refused).not.toContain('hunter');
  });
});

describe('the process list', () => {
  it('shows of the URL of a webhook the host only, and no password', () => {
    for (const [args, shown] of [
      [
        ['--alert-webhook', 'https://h.example:8/services/T0/hunter2?x=hunter2'],
        '--alert-webhook https://h.example:8/***',
      ],
      [['--alert-webhook=https://u:hunter2@h.example/hunter2'], '--alert-webhook=https://h.example/***'],
      [['--alert-webhook', 'hunter2'], '--alert-webhook /***'],
      [['--alert-webhook', 'file:/etc/hook'], '--alert-webhook file:/etc/hook'],
      [['--store', 'postgres://u:hunter2@db/x', '--auth'], '--store postgres://***@db/x --auth'],
    ] as const)
      expect(shownArguments(args).join(' ')).toBe(shown);
  });
});
