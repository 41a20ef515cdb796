import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TokenInfo } from '@holdfast/protocol';
import { filesOf, givenConfig, withFileValues } from '@holdfast/server/config';
import type { CoordinatorFacts, Installation, ProcessFacts } from '../../src/doctor/hardening/installation.ts';

/** What differs from a coordinator with default options, on a machine without faults. */
export interface Setting {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly process?: Partial<ProcessFacts>;
  readonly coordinator?: Partial<CoordinatorFacts> | string;
  readonly configFile?: string;
}

export const NOW_MS = Date.UTC(2026, 10, 30);
const DAY_MS = 86_400_000;

const SOUND: ProcessFacts = {
  env: {},
  userId: 1000,
  coreLimit: '0',
  nodeVersion: 'v24.11.0',
  isInspected: false,
};

export async function installationOf({
  flags = {},
  process = {},
  coordinator,
  configFile,
}: Setting): Promise<Installation> {
  const facts: CoordinatorFacts = { url: 'https://holdfast.internal', statusWithoutToken: 401, tokens: [] };
  const given = await givenConfig({ flags: { store: 'memory:', ...flags } });
  return {
    config: await withFileValues(given),
    files: filesOf(given),
    secretFiles: configFile === undefined ? [] : [{ label: '--config', path: configFile }],
    process: { ...SOUND, ...process },
    nowMs: NOW_MS,
    coordinator: typeof coordinator === 'object' ? { ...facts, ...coordinator } : coordinator,
  };
}

export function tokenOf(change: Partial<TokenInfo> = {}): TokenInfo {
  return {
    id: '4jv2m8q0yz1c7n5k',
    name: 'checkout',
    role: 'submitter',
    allNamespaces: true,
    namespaces: [],
    createdAtMs: NOW_MS - 200 * DAY_MS,
    createdBy: '',
    expiresAtMs: NOW_MS + 30 * DAY_MS,
    lastUsedAtMs: NOW_MS - DAY_MS,
    rotatedAtMs: null,
    previousValidUntilMs: null,
    limits: null,
    revokedAtMs: null,
    ...change,
  };
}

/** Settings with the level of the item's finding. */
export interface Cases {
  readonly passes: readonly Setting[];
  readonly fails: readonly (Setting & { readonly level: 'skip' | 'warn' | 'fail'; readonly found: RegExp })[];
}

const BEYOND = { host: '0.0.0.0' };
const AUTH = { auth: true };
const TLS = { tlsCertFile: '/tls.crt', tlsKeyFile: '/tls.key' };
const REMOTE = 'postgres://holdfast:s3cret@db.internal/holdfast';
const asStore = (store: string): Setting => ({ flags: { store } });
const withTokens = (...tokens: TokenInfo[]): Setting => ({ coordinator: { tokens } });
const nodeOptions = (text: string): Setting => ({ process: { env: { NODE_OPTIONS: text } } });

/** A file with this mode, in a folder with that one. */
async function fileOf(folder: string, name: string, mode: number, folderMode = 0o700): Promise<string> {
  const own = join(folder, name);
  await mkdir(own);
  const path = join(own, 'file');
  await writeFile(path, 'rules: []\n');
  await chmod(path, mode);
  await chmod(own, folderMode);
  return path;
}

/** Each item of the checklist, passing and failing. */
export async function hardeningCases(folder: string): Promise<Readonly<Record<string, Cases>>> {
  const closed = await fileOf(folder, 'closed', 0o640);
  const readable = await fileOf(folder, 'readable', 0o644);
  const writable = await fileOf(folder, 'writable', 0o662);
  const ofGroup = await fileOf(folder, 'group', 0o660);
  const replaceable = await fileOf(folder, 'replaceable', 0o600, 0o777);
  const storeUrl = await fileOf(folder, 'store', 0o644);
  await writeFile(storeUrl, 'memory:');
  return {
    authentication: {
      passes: [
        {},
        { flags: { ...BEYOND, ...AUTH } },
        { flags: { ...TLS, tlsClientCaFile: '/ca', tlsPrincipals: '/p', ...BEYOND } },
      ],
      fails: [{ flags: { ...BEYOND, insecure: true }, level: 'warn', found: /every client that reaches 0\.0\.0\.0/ }],
    },
    'insecure flag': {
      passes: [{ flags: { ...BEYOND, ...AUTH } }],
      fails: [
        { flags: { insecure: true }, level: 'warn', found: /^--insecure is set$/ },
        { flags: { ...AUTH, insecure: true }, level: 'warn', found: /a later start/ },
      ],
    },
    'encryption of ports': {
      passes: [{}, { flags: { ...BEYOND, ...AUTH, ...TLS } }],
      fails: [{ flags: { ...BEYOND, ...AUTH }, level: 'warn', found: /unencrypted/ }],
    },
    'tls versions': {
      passes: [{}, nodeOptions('--tls-min-v1.2'), nodeOptions('--tls-min-v1.3')],
      fails: [
        { ...nodeOptions('--tls-min-v1.0'), level: 'fail', found: /--tls-min-v1\.0/ },
        { ...asStore('rediss://r.internal/0?tls={"minVersion":"TLSv1.1"}'), level: 'fail', found: /minVersion/ },
      ],
    },
    'certificate verification': {
      passes: [{}, { process: { env: { NODE_TLS_REJECT_UNAUTHORIZED: '1' } } }],
      fails: [
        { process: { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }, level: 'fail', found: /REJECT_UNAUTHORIZED=0/ },
      ],
    },
    'host names': {
      passes: [
        {},
        { flags: { ...BEYOND, ...AUTH } },
        { flags: { ...BEYOND, insecure: true, allowedHosts: 'holdfast.internal' } },
      ],
      fails: [
        { flags: { allowedHosts: '*' }, level: 'warn', found: /DNS rebinding/ },
        { flags: { ...BEYOND, insecure: true }, level: 'warn', found: /DNS rebinding/ },
      ],
    },
    'store encryption': {
      passes: [
        asStore('lmdb:./data'),
        asStore('postgres://holdfast@127.0.0.1/holdfast'),
        asStore('postgres://holdfast@localhost/holdfast?host=/run/postgresql'),
        asStore('unix:/run/redis.sock'),
        asStore(`${REMOTE}?sslmode=verify-full`),
        asStore('mysql://holdfast@db.internal/holdfast?ssl-mode=VERIFY_IDENTITY'),
        asStore('mysql://holdfast@db.internal/holdfast?ssl=true'),
        asStore('rediss://db.internal/0'),
        { flags: { store: REMOTE, storeTlsCaFile: '/ca.pem' } },
      ],
      fails: [
        { ...asStore(REMOTE), level: 'warn', found: /^PostgreSQL at|db\.internal.*unencrypted/ },
        { ...asStore('mysql://holdfast@db.internal/holdfast'), level: 'warn', found: /unencrypted/ },
        { ...asStore('redis://:s3cret@db.internal/0'), level: 'warn', found: /unencrypted/ },
        { ...asStore(`${REMOTE}?sslmode=disable`), level: 'warn', found: /unencrypted/ },
        { ...asStore(`${REMOTE}?sslmode=no-verify`), level: 'fail', found: /pose as the database/ },
        { ...asStore(`${REMOTE}?uselibpqcompat=true&sslmode=require`), level: 'fail', found: /pose as/ },
        { ...asStore('rediss://db.internal/0?tls={"rejectUnauthorized":false}'), level: 'fail', found: /pose as/ },
      ],
    },
    'store user': {
      passes: [asStore('lmdb:./data'), asStore(REMOTE), asStore('rediss://holdfast:x@db.internal/0')],
      fails: [
        { ...asStore('postgres://postgres:s3cret@db.internal/x'), level: 'warn', found: /^postgres administers/ },
        { ...asStore('mysql://root:s3cret@db.internal/x'), level: 'warn', found: /^root administers/ },
        { ...asStore('redis://:s3cret@db.internal/0'), level: 'warn', found: /default user/ },
      ],
    },
    'secret files': {
      passes: [
        {},
        {
          configFile: closed,
          flags: { signingKeyFile: closed, branchTargetsFile: readable, secretsDir: dirname(closed) },
        },
      ],
      fails: [
        { flags: { tlsCertFile: readable, tlsKeyFile: readable }, level: 'fail', found: /read --tls-key-file/ },
        { flags: { signingKeyFile: `${closed},${readable}` }, level: 'fail', found: /read --signing-key-file/ },
        { flags: { ...AUTH, bootstrapTokenFile: readable }, level: 'fail', found: /read --bootstrap-token-file/ },
        { flags: { secretsDir: dirname(readable) }, level: 'fail', found: /read --secrets-dir .*readable\/file/ },
        { flags: { store: `file:${storeUrl}` }, level: 'fail', found: /read --store/ },
        { flags: { alertWebhook: `file:${readable}` }, level: 'fail', found: /read --alert-webhook/ },
        { flags: { secretsDir: '/nowhere' }, level: 'warn', found: /--secrets-dir \/nowhere cannot be checked/ },
        { configFile: readable, level: 'fail', found: /read --config/ },
        {
          ...asStore(`${REMOTE}?sslmode=verify-full&sslkey=${readable}`),
          level: 'fail',
          found: /read the key in the URL/,
        },
        { flags: { branchTargetsFile: writable }, level: 'fail', found: /change --branch-targets-file/ },
        {
          flags: { branchTlsCertFile: closed, branchTlsKeyFile: replaceable },
          level: 'fail',
          found: /replace --branch/,
        },
        { flags: { signingKeyFile: ofGroup }, level: 'warn', found: /the group of --signing-key-file/ },
        { flags: { signingKeyFile: '/nowhere' }, level: 'warn', found: /cannot be checked \(ENOENT\)/ },
      ],
    },
    'bootstrap token': {
      passes: [{}, withTokens(tokenOf()), withTokens(tokenOf({ id: 'bootstrap', revokedAtMs: NOW_MS - DAY_MS }))],
      fails: [
        { flags: { ...AUTH, bootstrapTokenFile: '/run/bootstrap' }, level: 'warn', found: /\/run\/bootstrap still/ },
        { ...withTokens(tokenOf({ id: 'bootstrap' })), level: 'warn', found: /still valid/ },
      ],
    },
    'branch targets': {
      passes: [{}, { flags: { ...AUTH, branchTargets: 'https://*.shop.example:443' } }],
      fails: [
        { flags: { ...BEYOND, insecure: true }, level: 'warn', found: /every host/ },
        { flags: AUTH, level: 'warn', found: /every public address/ },
        { flags: { ...AUTH, branchTargets: '*' }, level: 'warn', found: /^the rule "\*" allows every public host$/ },
        { flags: { branchTargets: '169.254.169.254' }, level: 'fail', found: /metadata/ },
      ],
    },
    'signed calls': {
      passes: [{}, { flags: { ...AUTH, signingKeyFile: '/key' } }],
      fails: [{ flags: AUTH, level: 'warn', found: /cannot distinguish/ }],
    },
    'alert webhook': {
      passes: [
        {},
        { flags: { alertWebhook: 'https://a.example/k3y' } },
        { flags: { alertWebhook: 'http://127.0.0.1/' } },
      ],
      fails: [
        { flags: { alertWebhook: 'http://a.example/k3y' }, level: 'warn', found: /to http:\/\/a\.example unencrypted/ },
      ],
    },
    limits: {
      passes: [{}, { flags: { ...AUTH, principalInFlight: '100' } }],
      fails: [{ flags: AUTH, level: 'warn', found: /whole capacity/ }],
    },
    'audit log': {
      passes: [{}, { flags: AUTH }, { flags: { ...AUTH, auditRetention: '0' } }],
      fails: [
        { flags: { ...AUTH, audit: 'off' }, level: 'warn', found: /not recorded/ },
        { flags: { ...BEYOND, insecure: true }, level: 'warn', found: /not recorded/ },
        { flags: { ...AUTH, auditRetention: '30d' }, level: 'warn', found: /after 30 days/ },
        { flags: { ...AUTH, auditMaxEntries: '5000' }, level: 'warn', found: /beyond 5000/ },
      ],
    },
    'system user': {
      passes: [{}],
      fails: [{ process: { userId: 0 }, level: 'warn', found: /as root/ }],
    },
    'core dumps': {
      passes: [{}],
      fails: [{ process: { coreLimit: 'unlimited' }, level: 'warn', found: /core dump/ }],
    },
    debugging: {
      passes: [{}, nodeOptions('--max-old-space-size=512')],
      fails: [
        { ...nodeOptions('--inspect=0.0.0.0:9229'), level: 'fail', found: /has --inspect,/ },
        { ...nodeOptions('--heapsnapshot-signal=SIGUSR2'), level: 'fail', found: /--heapsnapshot-signal/ },
        { process: { isInspected: true }, level: 'fail', found: /debugger/ },
      ],
    },
    'node updates': {
      passes: [{}],
      fails: [{ process: { nodeVersion: 'v20.20.2' }, level: 'warn', found: /since 2026-04-30/ }],
    },
    'anonymous access': {
      passes: [{ coordinator: {} }, { coordinator: { url: 'http://127.0.0.1:36789', statusWithoutToken: 200 } }],
      fails: [
        { coordinator: { statusWithoutToken: 200 }, level: 'warn', found: /serves requests without a token/ },
        // Such as that of a port with TLS to a request without it: nothing was served.
        { flags: AUTH, coordinator: { statusWithoutToken: 400 }, level: 'skip', found: /^not checked: .* HTTP 400/ },
        {
          flags: AUTH,
          coordinator: { url: 'http://[::1]:1', statusWithoutToken: 200 },
          level: 'fail',
          found: /HTTP 200/,
        },
      ],
    },
    'server connection': {
      passes: [{ coordinator: {} }, { coordinator: { url: 'http://127.0.0.1:36789' } }],
      fails: [{ coordinator: { url: 'http://10.0.0.1:36789' }, level: 'warn', found: /unencrypted/ }],
    },
    'token expiry': {
      passes: [withTokens(tokenOf(), tokenOf({ expiresAtMs: null, revokedAtMs: NOW_MS - 1 }))],
      fails: [
        { ...withTokens(tokenOf({ expiresAtMs: null })), level: 'warn', found: /: checkout \(4jv2m8q0yz1c7n5k\)$/ },
        {
          ...withTokens(...Array.from({ length: 7 }, (_, n) => tokenOf({ id: `t${n}`, expiresAtMs: null }))),
          level: 'warn',
          found: /checkout \(t4\), 2 more$/,
        },
      ],
    },
    'unused tokens': {
      passes: [
        withTokens(tokenOf(), tokenOf({ createdAtMs: NOW_MS - DAY_MS, lastUsedAtMs: null })),
        withTokens(tokenOf({ lastUsedAtMs: null, expiresAtMs: NOW_MS - 1 })),
      ],
      fails: [
        { ...withTokens(tokenOf({ lastUsedAtMs: null })), level: 'warn', found: /checkout/ },
        { ...withTokens(tokenOf({ lastUsedAtMs: NOW_MS - 91 * DAY_MS })), level: 'warn', found: /checkout/ },
      ],
    },
    'admin tokens': {
      passes: [withTokens(tokenOf({ role: 'admin' }), tokenOf())],
      fails: [
        {
          ...withTokens(...Array.from({ length: 6 }, () => tokenOf({ role: 'admin' }))),
          level: 'warn',
          found: /^6 tokens/,
        },
      ],
    },
  };
}
