import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, configWith, loadConfig } from '@holdfast/server';
import { bytes, duration, flag, list, port } from '../src/config/kinds.ts';
import { nearest } from '@holdfast/protocol';
import { defaultOf, flagOf, OPTION_NAMES, OPTIONS, type OptionSpec, variableOf } from '../src/config/options.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(text: string | Buffer, name = 'holdfast.yaml'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('the configuration', () => {
  it('is the defaults when no option is set', async () => {
    const config = await loadConfig({});
    for (const name of OPTION_NAMES) expect(config[name]).toEqual(OPTIONS[name].default);
  });

  it.each([
    ['Latin-1', Buffer.from('node: caf\u00e9\n', 'latin1')],
    ['half a character', Buffer.from([...Buffer.from('node: caf'), 0xc3])],
    ['UTF-16', Buffer.from('\ufeffnode: x\n', 'utf16le')],
  ])('is rejected when its file is not UTF-8: %s', async (_, text) => {
    const file = await fileWith(text, 'foreign.yaml');
    await expect(loadConfig({ file })).rejects.toThrow(`the config file ${file} is not UTF-8; save it as UTF-8`);
  });

  it('is read from a file of UTF-8, with or without a byte order mark', async () => {
    for (const mark of ['', '\ufeff']) {
      const file = await fileWith(`${mark}node: caf\u00e9-\u{1f377}\n`);
      await expect(loadConfig({ file })).resolves.toMatchObject({ node: 'caf\u00e9-\u{1f377}' });
    }
  });

  it('takes values in order of precedence from command line, environment, file, defaults', async () => {
    const file = await fileWith('httpPort: 1\nretention: 1d\nmaxSteps: 5\nheartbeat: 1s\n');
    const env = {
      HOLDFAST_HTTP_PORT: '2',
      HOLDFAST_RETENTION: '2d',
      HOLDFAST_MAX_WAITERS: '',
      HOLDFAST_CONFIG: 'nowhere',
    };
    const config = await loadConfig({ flags: { httpPort: '3', store: undefined }, env, file });
    expect(config).toMatchObject({
      httpPort: 3,
      retention: 2 * 86_400_000,
      maxSteps: 5,
      heartbeat: 1_000,
      store: 'lmdb:./data',
      maxWaiters: OPTIONS.maxWaiters.default,
    });
  });

  it('reads the file at HOLDFAST_CONFIG: YAML, JSON or empty', async () => {
    const json = await fileWith('{"httpPort": 7, "insecure": true, "groups": ["a", "b"]}', 'holdfast.json');
    expect(await loadConfig({ env: { HOLDFAST_CONFIG: json } })).toMatchObject({
      httpPort: 7,
      insecure: true,
      groups: ['a', 'b'],
    });
    expect((await loadConfig({ file: await fileWith('# nothing yet\n') })).httpPort).toBe(36_789);
  });

  it('rejects an environment variable whose name is similar to that of an option', async () => {
    await expect(loadConfig({ env: { HOLDFAST_HTTP_PROT: '8080' } })).rejects.toThrow(
      new ConfigError('the environment variable HOLDFAST_HTTP_PROT is not an option; did you mean HOLDFAST_HTTP_PORT?'),
    );
    await expect(loadConfig({ env: { HOLDFAST_CONFG: 'x.yaml' } })).rejects.toThrow('did you mean HOLDFAST_CONFIG?');
    await expect(
      loadConfig({ env: { HOLDFAST_TEAM_NAME: 'payments', HOLDFAST_TEST_REQUIRE: 'all' } }),
    ).resolves.toBeDefined();
  });

  it('ignores the variables by which Kubernetes describes Services, also where they have the name of an option', async () => {
    const env = {
      HOLDFAST_SERVICE_HOST: '10.0.0.7',
      HOLDFAST_SERVICE_PORT: '36789',
      HOLDFAST_SERVICE_PORT_HTTP: '36789',
      HOLDFAST_PORT: 'tcp://10.0.0.7:36789',
      HOLDFAST_PORT_36789_TCP: 'tcp://10.0.0.7:36789',
      HOLDFAST_PORT_36789_TCP_PROTO: 'tcp',
      HOLDFAST_PORT_36789_TCP_PORT: '36789',
      HOLDFAST_PORT_36789_TCP_ADDR: '10.0.0.7',
      HOLDFAST_HTTP_PORT: 'tcp://10.0.0.8:36789',
      HOLDFAST_HTTP_SERVICE_HOST: '10.0.0.8',
    };
    expect((await loadConfig({ env })).httpPort).toBe(OPTIONS.httpPort.default);
  });

  it.each([
    ['htpPort: 1', 'did you mean httpPort?'],
    ['http_port: 1', 'did you mean httpPort?'],
    ['somethingEntirelyDifferent: 1', 'known are store,'],
    ['httpPort: many', 'httpPort in'],
    ['retention: 1 week', 'must be a time such as'],
    ['retention: -1', 'must be a time such as'],
    ['logLevel: loud', 'must be one of debug, info, warn, error, silent'],
    ['groups: 5', 'names separated by commas'],
    ['- a\n- b', 'must be a map of options'],
    ['{', 'neither YAML nor JSON'],
    ['store: memory:\nhttpPort: 1', 'put a value that ends in a colon into quotes: store: "memory:"'],
  ])('rejects a file with %j', async (text, message) => {
    const loading = loadConfig({ file: await fileWith(text) });
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(message);
  });

  it('rejects a missing file, and reports the position of a wrong value', async () => {
    await expect(loadConfig({ file: join(folder, 'none.yaml') })).rejects.toThrow('cannot be read');
    await expect(loadConfig({ env: { HOLDFAST_HTTP_PORT: '70000' } })).rejects.toThrow(
      'HOLDFAST_HTTP_PORT: must be a port',
    );
    await expect(loadConfig({ flags: { httpPort: 'x' } })).rejects.toThrow('--http-port: must be a port');
  });

  it.each([
    [{ host: '0.0.0.0' }, '--insecure'],
    [{ host: 'example.org' }, '--insecure'],
    [{ workers: 2 }, 'cannot be shared by several processes'],
    [{ workers: 2, store: 'memory:' }, 'cannot be shared by several processes'],
    [{ workers: 1_000, store: 'postgres://db/x' }, 'at most 128'],
    [{ workers: 0 }, '--workers must be at least 1'],
    [{ silence: 9_999, heartbeat: 5_000 }, 'at least twice --heartbeat'],
    [{ alertWebhook: 'mailto:me' }, 'http:// or https:// URL'],
    [{ maxSteps: 1_001 }, 'at most 1000'],
    [{ maxInProgress: 0 }, 'at least 1'],
  ])('rejects %j with the reason', (values, reason) => {
    expect(() => configWith(values)).toThrow(ConfigError);
    expect(() => configWith(values)).toThrow(reason);
  });

  it('accepts every spelling of loopback, and any address with --insecure', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) expect(configWith({ host }).host).toBe(host);
    expect(configWith({ host: '0.0.0.0', insecure: true }).host).toBe('0.0.0.0');
  });
});

describe('a value', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1500', 1_500],
    [1_500, 1_500],
    ['0', 0],
    ['1.5s', undefined],
    ['-1s', undefined],
    ['s', undefined],
    [-1, undefined],
    [0.5, undefined],
    [null, undefined],
  ])('of a duration: %j is %s ms', (raw, ms) => {
    expect(duration.read(raw)).toBe(ms);
  });

  it('of a size, a port, a flag, a list', () => {
    expect([bytes.read('4MiB'), bytes.read('512KiB'), bytes.read(7), bytes.read('4MB')]).toEqual([
      4_194_304,
      524_288,
      7,
      undefined,
    ]);
    expect([port.read('0'), port.read(65_535), port.read('65536')]).toEqual([0, 65_535, undefined]);
    expect([flag.read('1'), flag.read('false'), flag.read('yes')]).toEqual([true, false, undefined]);
    expect([list.read('a, b,'), list.read(['a']), list.read([1])]).toEqual([['a', 'b'], ['a'], undefined]);
  });

  it('is read as it is shown', () => {
    for (const kind of [duration, bytes])
      fc.assert(
        fc.property(fc.nat(), (value) => {
          expect(kind.read(kind.show(value))).toBe(value);
        }),
      );
    for (const name of OPTION_NAMES) {
      const { kind, default: preset } = OPTIONS[name] as OptionSpec<unknown>;
      expect(kind.read(defaultOf(name))).toEqual(preset);
    }
  });
});

describe('an option', () => {
  it('has the same name on the command line, in the environment and in the file', () => {
    expect([flagOf('httpPort'), variableOf('httpPort')]).toEqual(['--http-port', 'HOLDFAST_HTTP_PORT']);
    expect(new Set(OPTION_NAMES.map(variableOf)).size).toBe(OPTION_NAMES.length);
  });

  it('that is misspelt leads to a suggestion only if a similar option exists', () => {
    expect(nearest('retension', OPTION_NAMES)).toBe('retention');
    expect(nearest('colour', OPTION_NAMES)).toBeUndefined();
  });
});

describe('the allowed hosts', () => {
  it.each(['tx.example:443', 'http://tx.example', 'a b', 'tx.example/'])('are plain names: not %j', (name) => {
    expect(() => configWith({ allowedHosts: [name] })).toThrow('without scheme and port');
  });

  it.each(['*', 'tx.example', 'localhost', '10.0.0.1', '::1', '[fd00::1]'])('may be %j', (name) => {
    expect(configWith({ allowedHosts: [name] }).allowedHosts).toEqual([name]);
  });
});
