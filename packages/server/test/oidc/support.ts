import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Log } from '@holdfast/server';
import type { Issued } from '@holdfast/testing/servers';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const AUDIENCE = 'holdfast';

interface SigningKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** What differs from an ordinary JWT; a claim or member that is undefined is left out. */
export interface JwtChanges {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly kid?: string;
}

/** An OpenID Connect issuer with its server, over https if it has a certificate. */
export class TestIssuer implements AsyncDisposable {
  readonly #server: ReturnType<typeof createHttp>;
  readonly #keys = new Map<string, SigningKey>();
  /** The kids that are published. */
  readonly published = new Set<string>();
  /** The paths of all requests. */
  readonly requests: string[] = [];
  /** Responds instead of the issuer, for paths that it returns true for. */
  respond: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Overrides members of the discovery document. */
  discovery: object = {};
  url = '';

  private constructor(certificate: Issued | undefined) {
    const serve = (request: IncomingMessage, response: ServerResponse): void => this.#serve(request, response);
    this.#server =
      certificate === undefined
        ? createHttp(serve)
        : createHttps({ cert: certificate.certificateText, key: certificate.keyText }, serve);
  }

  static async start(certificate?: Issued, alg = 'ES256'): Promise<TestIssuer> {
    const issuer = new TestIssuer(certificate);
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    const { port } = issuer.#server.address() as AddressInfo;
    issuer.url = `${certificate === undefined ? 'http' : 'https'}://localhost:${port}/realms/shop`;
    await issuer.addKey('first', alg);
    return issuer;
  }

  /** Creates a key, and publishes it. */
  async addKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', alg };
    const key = { alg, privateKey, jwk };
    this.#keys.set(kid, key);
    this.published.add(kid);
    return key;
  }

  keyOf(kid: string): SigningKey {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    return key;
  }

  get jwks(): { readonly keys: readonly JWK[] } {
    return { keys: [...this.published].map((kid) => this.keyOf(kid).jwk) };
  }

  /** Times at which the keys were requested. */
  get fetches(): number {
    return this.requests.filter((path) => path.endsWith('/certs')).length;
  }

  /** A JWT of a submitter that is valid for an hour. */
  async sign({ claims = {}, header = {}, kid = 'first' }: JwtChanges = {}): Promise<string> {
    const { alg, privateKey } = this.keyOf(kid);
    const nowS = Math.floor(Date.now() / 1_000);
    const standard = { iss: this.url, aud: AUDIENCE, sub: 'alice', exp: nowS + 3_600, iat: nowS };
    return new SignJWT({ ...standard, holdfast_roles: ['submitter'], ...claims })
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    this.requests.push(url);
    if (this.respond?.(request, response) === true) return;
    const send = (body: unknown): void =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    if (url.endsWith('/.well-known/openid-configuration'))
      return send({ issuer: this.url, jwks_uri: `${this.url}/certs`, ...this.discovery });
    if (url.endsWith('/certs')) return send(this.jwks);
    response.statusCode = 404;
    response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A log that keeps its lines. */
export class Lines implements Log {
  readonly debugs = true;
  readonly all: string[] = [];
  readonly #note =
    (level: string) =>
    (fields: object, text: string): void =>
      void this.all.push(`${level} ${JSON.stringify(fields)} ${text}`);
  readonly debug = this.#note('debug');
  readonly info = this.#note('info');
  readonly warn = this.#note('warn');
  readonly error = this.#note('error');

  /** The lines that contain a text. */
  with(text: string): readonly string[] {
    return this.all.filter((line) => line.includes(text));
  }
}
