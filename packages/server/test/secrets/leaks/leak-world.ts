import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { newBootstrapText } from '@holdfast/server';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { type DatabaseServer, startPostgres, TestAuthority } from '@holdfast/testing/servers';
import pg from 'pg';
import { AUDIENCE, TestIssuer } from '../../oidc/support.ts';
import { EchoingShop } from './echoing-shop.ts';
import { Haystack } from './haystack.ts';

/** Unique, and with characters that encodings change. */
export const odd = (name: string): string => `${name}/${randomBytes(9).toString('hex')}+"=%\\x`;
export const plain = (name: string): string => `${name}-${randomBytes(12).toString('hex')}`;

export interface RequestParts {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
export const basic = (account: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(account).toString('base64')}`,
});

/** A request that has no response by then has none. */
const PATIENCE_MS = 5_000;

/**
 * A coordinator process with a secret of every kind, and what surrounds it. Everything that it
 * prints and responds is added to the haystack.
 */
export class LeakWorld implements AsyncDisposable {
  readonly haystack = new Haystack();
  readonly secrets = new Map<string, string>();
  /** Visible on purpose, as the name of the node and as a gid: the search must find it. */
  readonly planted = plain('planted-node');
  readonly #agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
  readonly #left: (() => unknown)[] = [];
  folder = '';
  authority!: TestAuthority;
  database!: DatabaseServer;
  issuer!: TestIssuer;
  shop!: EchoingShop;
  grpcShop!: GrpcParticipant;
  run!: HoldfastProcess;
  url = '';
  grpcAddress = '';
  /** The bootstrap token. */
  admin = '';

  static async start(): Promise<LeakWorld> {
    const world = new LeakWorld();
    try {
      await world.#start();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  secret(name: string, text: string): string {
    this.secrets.set(name, text);
    return text;
  }

  /** The ID of a token is not secret. */
  tokenSecret(name: string, text: string): string {
    this.secret(name, text.slice(text.lastIndexOf('_') + 1));
    return text;
  }

  /** The signature of a JWT; its claims are not secret. */
  async jwt(name: string, ...changes: Parameters<TestIssuer['sign']>): Promise<string> {
    const text = await this.issuer.sign(...changes);
    this.secret(name, text.slice(text.lastIndexOf('.') + 1));
    return text;
  }

  async file(name: string, text: string): Promise<string> {
    await writeFile(join(this.folder, name), text, { mode: 0o600 });
    return join(this.folder, name);
  }

  /** Sends a request. Its response is searched, with its headers. */
  request(path: string, { method = 'GET', body, headers = {} }: RequestParts = {}): Promise<string> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const options = {
      method,
      agent: this.#agent,
      ca: this.authority.certificateText,
      headers,
      timeout: PATIENCE_MS * 4,
    };
    return new Promise<string>((resolve, reject) => {
      const request = https.request(this.url + path, options, (response) => {
        let received = '';
        response
          .setEncoding('utf8')
          .on('data', (part: string) => (received += part))
          .on('end', () => {
            this.haystack.add(`responses ${response.statusCode}`, `${received}\n${JSON.stringify(response.headers)}\n`);
            resolve(received);
          })
          .on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error(`no response to ${method} ${path}`)));
      request.on('error', reject).end(text);
    }).catch((error: Error & { code?: string }) => {
      // The coordinator may close a kept connection before the next request arrives.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
      this.haystack.add('lost connections', error.message);
      return '';
    });
  }

  /** Sends bytes that are not a valid request; resolves when the connection has ended. */
  async garbage(text: string): Promise<string> {
    const { hostname: host, port } = new URL(this.url);
    const socket = tls.connect({ host, port: Number(port), ca: this.authority.certificateText });
    let received = '';
    socket.on('data', (part: Buffer) => (received += part.toString()));
    socket.on('error', (error) => (received += String(error)));
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('it stayed open')));
    await new Promise<void>((resolve) => socket.once('secureConnect', () => socket.end(text)).once('close', resolve));
    this.haystack.add('responses to garbage', `${received}\n`);
    return received;
  }

  /** Runs the command line in a process; its output is searched, except that of `hidden`. */
  async command(args: readonly string[], { account = '', shows = false } = {}): Promise<string> {
    const server = this.url.replace('https://', `https://${account}`);
    const token = account === '' ? ['--token-file', join(this.folder, 'admin.token')] : [];
    const common = ['--server', server, '--ca-file', this.authority.certificate, ...token];
    await using run = new HoldfastProcess([...args, ...common]);
    await run.ended;
    this.haystack.add(`holdfast ${args[0]}`, `${shows ? '' : run.out}\n${run.err}\n`);
    return run.out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    for (const leave of this.#left.toReversed()) await leave();
  }

  async #start(): Promise<void> {
    const left = this.#left;
    this.folder = await mkdtemp(join(tmpdir(), 'holdfast-leaks-'));
    left.push(() => rm(this.folder, { recursive: true }));
    this.authority = await TestAuthority.create();
    left.push(() => this.authority.remove());
    const issued = await this.authority.issue();
    [this.shop, this.grpcShop, this.issuer] = await Promise.all([
      EchoingShop.start(),
      GrpcParticipant.start(),
      TestIssuer.start(issued),
    ]);
    left.push(() => Promise.all([this.shop, this.grpcShop, this.issuer].map((each) => each[Symbol.asyncDispose]())));
    const store = await this.#startDatabase();
    this.#keyLines('TLS key', issued.keyText);
    const client = await this.authority.issue({ subject: 'coordinator' });
    this.#keyLines('TLS key for branches', client.keyText);
    const hmac = `whsec_${this.secret('signing key, HMAC', randomBytes(32).toString('base64'))}`;
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.#keyLines('signing key, ed25519', pem);
    const secretsDir = join(this.folder, 'secrets');
    await mkdir(secretsDir, { mode: 0o700 });
    await writeFile(join(secretsDir, 'bank'), this.secret('secret:bank', odd('b4nk')), { mode: 0o600 });
    this.admin = this.tokenSecret('bootstrap token', newBootstrapText());
    const config = await this.file(
      'config.json',
      JSON.stringify({
        store: `file:${await this.file('store', store)}`,
        bootstrapTokenFile: await this.file('admin.token', this.admin),
        tlsCertFile: issued.certificate,
        tlsKeyFile: issued.key,
        branchTlsCaFile: this.authority.certificate,
        branchTlsCertFile: client.certificate,
        branchTlsKeyFile: client.key,
        signingKeyFile: [await this.file('signing.key', hmac), await this.file('signing.pem', pem)],
        secretsDir,
        branchTargets: ['127.0.0.0/8'],
        oidcIssuer: this.issuer.url,
        oidcAudience: AUDIENCE,
        oidcCaFile: this.authority.certificate,
        audit: 'on',
        retryInterval: '100ms',
        maxRetryInterval: '1s',
        alertAfterRetries: 2,
        node: this.planted,
      }),
    );
    const account = `alerts:${this.secret('password of the webhook', plain('h00k'))}@`;
    const path = `/all/500/${this.secret('path of the webhook', plain('hook'))}`;
    const hook = `${this.shop.url(path, account)}?key=${this.secret('key of the webhook', plain('hkey'))}`;
    const listen = ['--http-port', '0', '--grpc-port', '0', '--log-level', 'debug', '--log-format', 'json'];
    this.run = new HoldfastProcess(['serve', '--auth', '--config', config, '--alert-webhook', hook, ...listen], {
      env: { HOLDFAST_SECRET_env: this.secret('HOLDFAST_SECRET_env', odd('env')) },
    });
    left.push(() => this.run.kill());
    this.url = (await this.run.ready()).replace('127.0.0.1', 'localhost');
    const ready = this.run.log.find(({ msg }) => msg.startsWith('ready:'));
    this.grpcAddress = String(ready?.['grpc']).replace('127.0.0.1', 'localhost');
  }

  /** A PostgreSQL that requires a password of the coordinator; returns its URL for it. */
  async #startDatabase(): Promise<string> {
    const password = this.secret('password of the store', odd('st0re'));
    const rules = 'host all holdfast 127.0.0.1/32 trust\nhost all guest 127.0.0.1/32 scram-sha-256\n';
    // The server runs as another account.
    await chmod(this.folder, 0o755);
    await writeFile(join(this.folder, 'hba.conf'), rules, { mode: 0o644 });
    const started = await startPostgres([`hba_file=${join(this.folder, 'hba.conf')}`]);
    if (started === undefined) throw new Error('PostgreSQL is not installed');
    this.database = started;
    this.#left.push(() => started.stop());
    const owner = new pg.Client({ connectionString: started.url });
    owner.on('error', () => undefined);
    await owner.connect();
    await owner.query(`create role guest login password ${pg.escapeLiteral(password)}`);
    await owner.query('grant create on database postgres to guest');
    await owner.end();
    return `postgres://guest:${encodeURIComponent(password)}@${new URL(started.url).host}/postgres`;
  }

  #keyLines(name: string, pem: string): void {
    const lines = pem.split('\n').filter((line) => line.length > 30 && !line.startsWith('---'));
    for (const [index, line] of lines.entries()) this.secret(`${name}, line ${index + 1}`, line);
  }
}
