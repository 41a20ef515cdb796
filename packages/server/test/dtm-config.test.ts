import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DtmNote, loadConfig, type ServerConfig } from '../src/config/index.ts';
import { DTM_KEYS, dtmVariableOf } from '../src/config/dtm/dtm-keys.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-dtm-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Given {
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, unknown>>;
}

interface Loaded {
  readonly config: ServerConfig;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

async function load({ file, env = {}, flags = {} }: Given): Promise<Loaded> {
  const all: DtmNote[] = [];
  const path = join(folder, 'conf.yml');
  if (file !== undefined) await writeFile(path, file);
  const config = await loadConfig({
    flags: { ...(file === undefined ? { dtmEnv: true } : { dtmConfig: path }), ...flags },
    env,
    onDtmNote: (note) => all.push(note),
  });
  const textsOf = (warning: boolean): string[] => all.filter((one) => one.warning === warning).map(({ text }) => text);
  return { config, notes: textsOf(false), warnings: textsOf(true) };
}

const REACH =
  'dtm listens on every address, Holdfast on 127.0.0.1: to be reached from other machines, it needs --host and --auth, or --insecure';

describe("dtm's file", () => {
  it('sets the options that have the same meaning, with a line for each', async () => {
    const { config, notes, warnings } = await load({
      file: [
        'Store:',
        "  Driver: 'postgres'",
        '  Host: db.example',
        "  Port: '5433'",
        '  User: dtm',
        "  Password: 'p@ss:w/rd'",
        '  Db: orders',
        'TransCronInterval: 2',
        'TimeoutToFail: 40',
        'RetryInterval: 15',
        'RequestTimeout: 4',
        'HttpPort: 8080',
        'GrpcPort: 8081',
        'LogLevel: warn',
        'AlertRetryLimit: 5',
        'AlertWebHook: https://alerts.example/hook?token=abc',
      ].join('\n'),
    });
    expect(config).toMatchObject({
      store: 'postgres://dtm:p%40ss%3Aw%2Frd@db.example:5433/orders',
      poll: 2_000,
      timeoutToFail: 40_000,
      retryInterval: 15_000,
      requestTimeout: 4_000,
      httpPort: 8080,
      grpcPort: 8081,
      logLevel: 'warn',
      alertAfterRetries: 5,
      alertWebhook: 'https://alerts.example/hook?token=abc',
    });
    expect(notes).toContain('Store.Driver in conf.yml: postgres becomes --store postgres://db.example:5433/orders');
    expect(notes).toContain('Store.Password in conf.yml becomes part of --store');
    expect(notes).toContain('RetryInterval in conf.yml: 15 becomes --retry-interval 15s');
    expect(notes).toHaveLength(15);
    expect([...notes, ...warnings].join()).not.toMatch(/p@ss|p%40ss|abc/);
    expect(warnings).toEqual([REACH]);
  });

  it('may contain every setting of dtm: each has a line that states what it became or why it has no effect', async () => {
    const values: Readonly<Record<string, string>> = {
      'Store.Driver': 'redis',
      'Store.Host': 'cache',
      'Store.RedisPrefix': "'{a}'",
      LogLevel: 'info',
      AlertWebHook: 'http://alerts/hook',
    };
    const lines = new Map<string, string[]>();
    for (const { path } of DTM_KEYS) {
      const [group = '', key] = path.split('.');
      const value = values[path] ?? '7';
      if (key === undefined) lines.set(`${group}: ${value}`, []);
      else lines.set(`${group}:`, [...(lines.get(`${group}:`) ?? []), `  ${key}: ${value}`]);
    }
    const file = [...lines].flatMap(([line, inner]) => [line, ...inner]).join('\n');
    const { notes, warnings } = await load({ file });
    const all = [...notes, ...warnings];
    for (const { path } of DTM_KEYS)
      expect(
        all.filter((text) => text.startsWith(`${path} in conf.yml`)),
        path,
      ).toHaveLength(1);
    expect(all).toHaveLength(DTM_KEYS.length + 1);
    expect(warnings.filter((text) => text.includes('MicroService'))).toHaveLength(9);
  });

  it.each([
    ['mysql', '', 'mysql://u:@h:1/dtm'],
    ['mysql', 'Db: shop', 'mysql://u:@h:1/shop'],
    ['postgres', 'Schema: public', 'postgres://u:@h:1/dtm'],
    ['postgres', 'Schema: team_a', 'postgres://u:@h:1/dtm?schema=team_a_holdfast'],
    ['redis', "RedisPrefix: '{a}'", 'redis://u:@h:1/0'],
    ['redis', "RedisPrefix: '{b}'", 'redis://u:@h:1/0?prefix=holdfast-.7bb.7d'],
    ['boltdb', '', 'lmdb:./data'],
  ])('names the store of %s with %j', async (kind, line, store) => {
    const file = `Store:\n  Driver: ${kind}\n  Host: h\n  Port: 1\n  User: u\n  ${line}\n`;
    expect((await load({ file })).config.store).toBe(store);
  });

  it('keeps a value as it is written, so that a password of digits loses no zeros', async () => {
    const file = 'Store:\n  Driver: redis\n  Host: h\n  Port: 1\n  Password: 0012_3\n';
    expect((await load({ file })).config.store).toBe('redis://:0012_3@h:1/0');
  });

  it('decides the retention where dtm deletes finished transactions', async () => {
    const file = (kind: string): string =>
      `Store:\n  Driver: ${kind}\n  Host: h\n  Port: 1\n  User: u\n  DataExpire: 3600\n  FinishedDataExpire: 60\n`;
    expect((await load({ file: file('redis') })).config.retention).toBe(60_000);
    expect((await load({ file: file('boltdb') })).config.retention).toBe(3_600_000);
    const { config, notes } = await load({ file: file('mysql') });
    expect(config.retention).toBe(7 * 86_400_000);
    expect(notes).toContain('Store.DataExpire in conf.yml is ignored: dtm does not use it with mysql; see --retention');
  });

  it('may be empty, or have empty settings', async () => {
    for (const file of ['', '# nothing\n', 'Store:\nRetryInterval:\nTimeoutToFail: ~\n']) {
      const { config, notes } = await load({ file });
      expect(config).toMatchObject({ retryInterval: 10_000, store: 'lmdb:./data' });
      expect(notes).toEqual([]);
    }
  });

  it('has at most 20 of its unknown keys named', async () => {
    const file = Array.from({ length: 50 }, (_, i) => `own${i}: x`).join('\n');
    const { warnings } = await load({ file });
    expect(warnings.slice(20)).toEqual(['30 more keys in conf.yml are unknown', REACH]);
  });

  it('has its unknown keys named, with the nearest known one', async () => {
    const { warnings } = await load({ file: 'RetryIntervall: 15\nStore:\n  Hots: x\nSomething: [1]\n' });
    expect(warnings).toEqual([
      'RetryIntervall in conf.yml is ignored: dtm has no such setting; did you mean RetryInterval?',
      'Store.Hots in conf.yml is ignored: dtm has no such setting; did you mean Store.Host?',
      'Something in conf.yml is ignored: dtm has no such setting',
      REACH,
    ]);
  });

  it.each([
    ['RetryInterval: soon', 'RetryInterval in conf.yml: must be a whole number of seconds, at least 1, not "soon"'],
    ['TimeoutToFail: 0', 'TimeoutToFail in conf.yml: must be a whole number of seconds, at least 1, not "0"'],
    ['HttpPort: 70000', 'HttpPort in conf.yml: must be a port, 0 to 65535, not "70000"'],
    ['JsonRpcPort: x', 'JsonRpcPort in conf.yml: must be a whole number, not "x"'],
    ['LogLevel: loud', 'LogLevel in conf.yml: must be one of debug, info, warn, error, not "loud"'],
    ['RequestTimeout: 100000', 'RequestTimeout in conf.yml: --request-timeout must be at most 600000'],
    ['AlertWebHook: alerts', 'AlertWebHook in conf.yml: --alert-webhook must be an http:// or https:// URL'],
    ['RetryInterval: [1]', 'RetryInterval in conf.yml: must be a single value'],
    ['Store: redis', 'Store in conf.yml: must be a map of settings'],
    ['- a', 'the whole in conf.yml: must be a map of settings'],
    ['Store:\n  Driver: sqlserver', 'Store.Driver in conf.yml: "sqlserver" has no store in Holdfast'],
    ['Store:\n  Driver: redis\n  Port: 1', 'Store.Host is missing: Store.Driver in conf.yml needs it'],
    ['Store:\n  Driver: mysql\n  Host: h', 'Store.Port is missing: Store.Driver in conf.yml needs it'],
    ['Store:\n  Driver: redis\n  Host: h\n  Port: x', 'Store.Port in conf.yml: must be a port, 1 to 65535, not "x"'],
    ['Store:\n  Driver: mysql\n  Host: h\n  Port: 70000', 'Store.Port in conf.yml: must be a port, 1 to 65535'],
    ['Store:\n  Driver: redis\n  Port: 1\n  Host: a:1,b:2', 'Store.Host in conf.yml: several hosts (a cluster)'],
    ['Store:\n  Driver: redis\n  Port: 1\n  Host: a/b', 'Store.Host in conf.yml: must be the name or the address'],
    ['a: {', 'is not YAML, or too nested: BAD_INDENT'],
    ['a: 1\na: 2', 'is not YAML, or too nested: DUPLICATE_KEY at line 2, column 1'],
  ])('is rejected with the name of the setting at fault: %j', async (file, message) => {
    await expect(load({ file })).rejects.toThrow(message);
  });

  it('does not name a password in an error about its line', async () => {
    await expect(load({ file: 'Store:\n  Password: "secret\n' })).rejects.not.toThrow('secret');
  });

  it('is bounded in size and in aliases', async () => {
    await expect(load({ file: `# ${'x'.repeat(64 * 1024)}` })).rejects.toThrow('has more than 65536 bytes');
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghij'.split('').map((name, i) => {
        const before = 'abcdefghi'[i];
        return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join()}]`;
      }),
    ].join('\n');
    await expect(load({ file: bomb })).rejects.toThrow('is not YAML, or too nested');
  });

  it('is rejected if it cannot be read', async () => {
    await expect(loadConfig({ flags: { dtmConfig: join(folder, 'none.yml') } })).rejects.toThrow('cannot be read');
  });
});

describe("dtm's environment", () => {
  it.each([
    ['Store.Driver', 'STORE_DRIVER'],
    ['Store.RedisPrefix', 'STORE_REDIS_PREFIX'],
    ['MicroService.EndPoint', 'MICRO_SERVICE_END_POINT'],
    ['AlertWebHook', 'ALERT_WEB_HOOK'],
    ['JsonRpcPort', 'JSON_RPC_PORT'],
    ['Log.RotationConfigJSON', 'LOG_ROTATION_CONFIG_JSON'],
  ])('has the setting %s as %s', (path, variable) => {
    expect(dtmVariableOf(path)).toBe(variable);
  });

  const STORE = { [dtmVariableOf('Store.Driver')]: 'mysql', STORE_HOST: 'db', STORE_PORT: '3306', STORE_USER: 'dtm' };

  it('sets the options only if --dtm-env is given', async () => {
    const env = { ...STORE, STORE_PASSWORD: 'pw', STORE_DB: 'shop', RETRY_INTERVAL: '20', LOG_LEVEL: 'debug' };
    const { config, notes } = await load({ env });
    expect(config).toMatchObject({ store: 'mysql://dtm:pw@db:3306/shop', retryInterval: 20_000, logLevel: 'debug' });
    expect(notes).toContain('RETRY_INTERVAL: 20 becomes --retry-interval 20s');
    expect(await loadConfig({ env })).toMatchObject({ store: 'lmdb:./data', retryInterval: 10_000 });
    expect(await loadConfig({ env: { ...env, HOLDFAST_DTM_ENV: 'true' } })).toMatchObject({ retryInterval: 20_000 });
  });

  it('yields to the file, as in dtm, and both to the options of Holdfast', async () => {
    const { config, notes } = await load({
      file: 'RetryInterval: 15\nTimeoutToFail: 50\n',
      env: { RETRY_INTERVAL: '20', REQUEST_TIMEOUT: '6', ALERT_RETRY_LIMIT: '9', HOLDFAST_ALERT_AFTER_RETRIES: '2' },
      flags: { dtmEnv: true, timeoutToFail: '1m' },
    });
    expect(config).toMatchObject({
      retryInterval: 15_000,
      requestTimeout: 6_000,
      timeoutToFail: 60_000,
      alertAfterRetries: 2,
    });
    expect(notes).toEqual([
      'RETRY_INTERVAL is ignored: RetryInterval in conf.yml takes precedence, as in dtm',
      'TimeoutToFail in conf.yml is ignored: --timeout-to-fail is given',
      'RetryInterval in conf.yml: 15 becomes --retry-interval 15s',
      'REQUEST_TIMEOUT: 6 becomes --request-timeout 6s',
      'ALERT_RETRY_LIMIT is ignored: HOLDFAST_ALERT_AFTER_RETRIES is given',
    ]);
  });

  it('does not need a store that Holdfast can use if --store is given', async () => {
    const flags = { store: 'memory:' };
    expect((await load({ env: { [dtmVariableOf('Store.Driver')]: 'sqlserver' }, flags })).config.store).toBe('memory:');
  });

  it('does not contain the variables with which Kubernetes describes Services', async () => {
    const env = { HTTP_PORT: 'tcp://10.0.0.1:80', STORE_PORT: 'tcp://10.0.0.1:80', STORE_SERVICE_HOST: '10.0.0.1' };
    const { config, notes, warnings } = await load({ env });
    expect(config.httpPort).toBe(36_789);
    expect([...notes, ...warnings]).toEqual([REACH]);
  });

  it('has its misspelled variables named', async () => {
    const { warnings } = await load({ env: { STORE_PASWORD: 'x', HTTP_PROXY: 'y' } });
    expect(warnings).toEqual([
      'the environment variable STORE_PASWORD is ignored: dtm has no such setting; did you mean STORE_PASSWORD?',
      REACH,
    ]);
  });

  it('is rejected with the name of the variable at fault', async () => {
    await expect(load({ env: { RETRY_INTERVAL: 'x' } })).rejects.toThrow(
      'RETRY_INTERVAL: must be a whole number of seconds, at least 1, not "x"',
    );
    await expect(load({ env: { HOLDFAST_DTM_ENV: 'maybe' }, flags: { dtmEnv: undefined } })).rejects.toThrow(
      'HOLDFAST_DTM_ENV: must be true or false',
    );
  });
});
