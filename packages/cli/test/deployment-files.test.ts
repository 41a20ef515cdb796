import https from 'node:https';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { captureChild, TestAuthority } from '@holdfast/testing/servers';
import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { describeWith } from '@holdfast/testing/describe-with';
import { loadConfig, OPTION_NAMES, type ServerConfig, variableOf } from '@holdfast/server/config';
import { registerServe } from '../src/serve/serve-command.ts';
import { TestServer } from '@holdfast/testing/test-server';

const deploy = (path: string): string => fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url));
const VARIABLES = new Set(OPTION_NAMES.map(variableOf));

type Variables = Readonly<Record<string, string>>;

/**
 * What a coordinator makes of these arguments (behind `holdfast`) and variables. Throws when it
 * would not start.
 */
async function configOf(args: readonly string[], env: Variables): Promise<ServerConfig> {
  for (const name of Object.keys(env)) if (!VARIABLES.has(name)) throw new Error(`${name} is no option`);
  const program = new Command().exitOverride();
  let flags: Record<string, unknown> | undefined;
  registerServe(program);
  program.commands[0]?.exitOverride().action((given: Record<string, unknown>) => {
    flags = given;
  });
  await program.parseAsync(args, { from: 'user' });
  if (flags === undefined) throw new Error(`${args.join(' ')} does not serve`);
  return loadConfig({ flags, env });
}

describe('deploy/systemd', () => {
  let lines: readonly string[];
  const settings = (name: string): readonly string[] =>
    lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  const envFile = async (): Promise<string[]> => (await readFile(deploy('systemd/holdfast.env'), 'utf8')).split('\n');
  const variables = (assignments: readonly string[]): Variables =>
    Object.fromEntries(
      assignments.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );

  /** The coordinator's variables in the unit; its credentials are in /run. */
  const ofUnit = (unit: readonly string[]): Variables =>
    variables(
      unit
        .filter((line) => line.startsWith('Environment=HOLDFAST_'))
        .flatMap((line) => line.slice('Environment='.length).replaceAll('%d/', '/run/').split(' ')),
    );

  beforeAll(async () => {
    lines = (await readFile(deploy('systemd/holdfast.service'), 'utf8')).split('\n');
  });

  it('starts the command of this package with existing options, and stops it after its drain', async () => {
    const [execStart = ''] = settings('ExecStart');
    const [node, program, ...args] = execStart.split(' ');
    const { bin } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      bin: Record<string, string>;
    };
    expect([node, program]).toEqual(['/usr/bin/node', `/opt/holdfast/node_modules/@holdfast/cli/${bin['holdfast']}`]);
    const ofFile = (await envFile()).filter((line) => /^[^#]+=/.test(line));
    const config = await configOf(args, { ...variables(ofFile), ...ofUnit(lines) });
    expect(config).toMatchObject({
      auth: true,
      insecure: false,
      tlsCertFile: '/run/tls.crt',
      tlsKeyFile: '/run/tls.key',
    });
    expect(settings('LoadCredential')).toEqual(['tls.crt:/etc/holdfast/tls.crt', 'tls.key:/etc/holdfast/tls.key']);
    expect(settings('LimitCORE')).toEqual(['0']);
    expect(new URL(config.store).searchParams.get('sslmode')).toBe('verify-full');
    const [stop = ''] = settings('TimeoutStopSec');
    expect(Number.parseInt(stop, 10) * 1_000).toBeGreaterThanOrEqual(config.drainTimeout + 10_000);
    const [files] = settings('LimitNOFILE');
    expect(Number(files)).toBeGreaterThan(config.maxConnections + 100 * config.maxCallsPerDestination);
    expect(settings('StateDirectory')).toEqual(['holdfast']);
  });

  it('has examples of settings that a coordinator accepts', async () => {
    const commented = (await envFile()).filter((line) => /^#[A-Z_]+=/.test(line)).map((line) => line.slice(1));
    expect(commented).toHaveLength(5);
    const config = await configOf(['serve'], variables([...commented, 'HOLDFAST_AUTH=true', 'HOLDFAST_STORE=memory:']));
    expect(config).toMatchObject({ host: '10.0.0.11', branchTargets: { length: 2 } });
  });

  it('provides the first token of a new store by an additional file', async () => {
    const more = (await readFile(deploy('systemd/bootstrap.conf'), 'utf8')).split('\n');
    expect(more).toContain('LoadCredential=bootstrap.token:/etc/holdfast/bootstrap.token');
    const config = await configOf(['serve'], { HOLDFAST_AUTH: 'true', ...ofUnit(more) });
    expect(config.bootstrapTokenFile).toBe('/run/bootstrap.token');
  });
});

describeWith(['systemd-analyze'], 'deploy/systemd, as systemd sees it', () => {
  it('is a valid unit', async () => {
    const text = await readFile(deploy('systemd/holdfast.service'), 'utf8');
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-unit-'));
    const unit = join(folder, 'holdfast.service');
    // systemd-analyze searches for the program, whose path differs between machines.
    await writeFile(unit, text.replace('ExecStart=/usr/bin/node ', `ExecStart=${process.execPath} `));
    // systemd-analyze includes the files of the folder beside the unit.
    await mkdir(`${unit}.d`);
    await copyFile(deploy('systemd/bootstrap.conf'), join(`${unit}.d`, 'bootstrap.conf'));
    const verdict = await captureChild('systemd-analyze', ['verify', '--man=no', unit]);
    await writeFile(join(`${unit}.d`, 'bootstrap.conf'), '[Service]\nNoSuchSetting=1\n');
    const wrong = await captureChild('systemd-analyze', ['verify', '--man=no', unit]);
    await rm(folder, { recursive: true });
    expect(verdict).toEqual({ code: 0, output: '' });
    expect(wrong.output).toContain('NoSuchSetting');
  });
});

interface Service {
  readonly image: string;
  readonly environment?: Variables;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

describeWith(['openssl'], 'deploy/docker', () => {
  let dockerfile: string;
  let services: Readonly<Record<string, Service>>;
  /**
   * The list behind an instruction at the start of a line, or, of the health check, behind its own
   * `CMD`.
   */
  const command = (instruction: string): string[] =>
    JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(dockerfile)?.[1] ?? '') as string[];
  const ownVariables = (): Variables =>
    Object.fromEntries(
      [...dockerfile.matchAll(/(HOLDFAST_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    );

  beforeAll(async () => {
    dockerfile = await readFile(deploy('docker/Dockerfile'), 'utf8');
    const compose = parse(await readFile(deploy('docker/compose.yaml'), 'utf8'), { merge: true }) as {
      services: Record<string, Service>;
    };
    services = compose.services;
  });

  it('runs the command of this repository with variables that a coordinator accepts', async () => {
    expect(command('ENTRYPOINT')).toEqual(['node', 'packages/cli/bin/holdfast.js']);
    const config = await configOf(command('CMD'), ownVariables());
    expect(config).toMatchObject({
      host: '0.0.0.0',
      auth: true,
      insecure: false,
      store: 'lmdb:/var/lib/holdfast/data',
    });
    expect(dockerfile).toContain(`EXPOSE ${config.httpPort}`);
  });

  it('composes two coordinators over one database that drain before they are killed, behind nginx on loopback', async () => {
    const { 'holdfast-a': a, 'holdfast-b': b, 'load-balancer': nginx, database } = services;
    expect(b).toEqual(a);
    const config = await configOf(['serve'], { ...ownVariables(), ...a?.environment });
    expect(new URL(config.store.replace(/\$\{\w+\}/, 'x'))).toMatchObject({
      protocol: 'postgres:',
      hostname: 'database',
    });
    expect(Number.parseInt(a?.stop_grace_period ?? '', 10) * 1_000).toBeGreaterThan(config.drainTimeout + 5_000);
    expect(nginx?.ports).toEqual([`127.0.0.1:${config.httpPort}:36789`]);
    expect(nginx?.volumes).toEqual([
      '../nginx/holdfast-tls.conf:/etc/nginx/conf.d/default.conf:ro',
      './tls:/etc/nginx/tls:ro',
    ]);
    expect(config.auth).toBe(true);
    expect(a).toMatchObject({ volumes: ['./tls:/run/tls:ro'], ulimits: { core: 0 } });
    for (const file of [config.tlsCertFile, config.tlsKeyFile, config.bootstrapTokenFile])
      expect(file).toMatch(/^\/run\/tls\//);
    expect(Object.keys(nginx?.depends_on ?? {})).toEqual(['holdfast-a', 'holdfast-b']);
    expect(database?.healthcheck?.test[1]).toBe('pg_isready');
  });

  it('distinguishes a coordinator that is ready from one that is not', async () => {
    const [program, flag, script = ''] = command(String.raw`HEALTHCHECK .*\\\n\s+CMD`);
    expect([program, flag]).toEqual(['node', '-e']);
    await using server = await TestServer.start({ auth: true });
    const exitCode = async (port: string, env: Variables = {}, text = script): Promise<unknown> =>
      (await captureChild(process.execPath, ['-e', text], { env: { HOLDFAST_HTTP_PORT: port, ...env } })).code;
    const { port } = new URL(server.url);
    expect(await exitCode(port)).toBe(0);
    expect(await exitCode(port, {}, script.replace('/readyz', '/nowhere'))).toBe(1);
    expect(await exitCode('1')).toBe(1);
    await using authority = await TestAuthority.create();
    const { certificate, key } = await authority.issue({ names: ['DNS:holdfast.internal'] });
    await using secure = await TestServer.start({ auth: true, tlsCertFile: certificate, tlsKeyFile: key });
    const securePort = new URL(secure.url).port;
    expect(await exitCode(securePort, { HOLDFAST_TLS_CERT_FILE: certificate })).toBe(0);
    expect(await exitCode(securePort)).toBe(1);
  });
});

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
}
interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: boolean }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly startupProbe: Probe;
}
interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly secret: { readonly defaultMode: number } }[];
}
interface Resource {
  readonly kind: string;
  readonly spec: { readonly template?: { readonly spec: Pod }; readonly ports?: readonly { readonly port: number }[] };
}

/** The status of a probe, which verifies no certificate and has no token. */
const probed = (url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject);
  });

describeWith(['openssl'], 'deploy/kubernetes', () => {
  let pod: Pod;
  let container: Container;
  let service: Resource | undefined;

  beforeAll(async () => {
    const text = await readFile(deploy('kubernetes/holdfast.yaml'), 'utf8');
    const resources = parseAllDocuments(text, { version: '1.1' }).map((one) => one.toJS() as Resource);
    const found = resources.find(({ kind }) => kind === 'Deployment')?.spec.template?.spec;
    if (found?.containers[0] === undefined) throw new Error('there is no deployment');
    [pod, container] = [found, found.containers[0]];
    service = resources.find(({ kind }) => kind === 'Service');
  });

  it('has variables that a coordinator accepts, with TLS, tokens and rules for branch targets', async () => {
    const env = Object.fromEntries(container.env.map(({ name, value = 'postgres://db/x' }) => [name, value]));
    const config = await configOf(['serve'], { HOLDFAST_HOST: '0.0.0.0', ...env });
    expect(config).toMatchObject({ auth: true, insecure: false, branchTargets: { length: 1 } });
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(config.drainTimeout + 10_000);
    const ports = container.ports.map(({ containerPort }) => containerPort);
    expect(ports).toEqual([config.httpPort, config.grpcPort]);
    expect(service?.spec.ports?.map(({ port }) => port)).toEqual(ports);
    for (const path of [config.tlsCertFile, config.tlsKeyFile, config.bootstrapTokenFile, config.storeTlsCaFile])
      expect(container.volumeMounts.filter(({ mountPath }) => path.startsWith(`${mountPath}/`))).toHaveLength(1);
    expect(pod.volumes.map(({ secret }) => secret.defaultMode)).toEqual([0o440, 0o440, 0o440]);
  });

  it('has probes that a coordinator with TLS and tokens responds to', async () => {
    await using authority = await TestAuthority.create();
    const { certificate, key } = await authority.issue({ names: ['DNS:holdfast'] });
    await using server = await TestServer.start({ auth: true, tlsCertFile: certificate, tlsKeyFile: key });
    const { readinessProbe, livenessProbe, startupProbe } = container;
    expect([readinessProbe, livenessProbe, startupProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/readyz',
      '/healthz',
      '/healthz',
    ]);
    for (const { httpGet } of [readinessProbe, livenessProbe, startupProbe]) {
      expect(httpGet).toMatchObject({ port: 'http', scheme: 'HTTPS' });
      expect(await probed(server.url + httpGet.path)).toBe(200);
    }
    expect(await probed(`${server.url}/api/v1/nodes`)).toBe(401);
  });
});
