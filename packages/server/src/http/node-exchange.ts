import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientCertificate } from '@holdfast/api';
import { clientCertificateOf } from '../tls/client-certificate.ts';
import { crossSiteFault, isFromBrowser } from './cross-site.ts';
import { type BodyReceiver, type CallField, type Exchange, type Peer, peerOf } from './exchange.ts';
import { PacedSocket } from './paced-socket.ts';
import { readBody } from './read-body.ts';
import type { Parts, Reply } from './reply.ts';
import { sendParts } from './send-parts.ts';

const ABSOLUTE = /^https?:\/\/([^/?#]+)(\/?)(.*)$/i;

/** The parts of a request target with scheme and host, as clients send it to a proxy. */
function absoluteForm(url: string): { readonly host: string; readonly rest: string } | undefined {
  const [, host, , rest = ''] = ABSOLUTE.exec(url) ?? [];
  return host === undefined ? undefined : { host, rest: `/${rest}` };
}

/** A request received through `node:http`. */
export class NodeExchange implements Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get url(): string {
    const url = this.#request.url ?? '/';
    return url.startsWith('/') ? url : (absoluteForm(url)?.rest ?? url);
  }

  /**
   * Two values (RFC 9112, 3.2: a bad request) are joined, so that they match no known name. The
   * host of a URL in the request line replaces the field (3.2.2).
   */
  get host(): string | undefined {
    const { url = '/' } = this.#request;
    const stated = url.startsWith('/') ? undefined : absoluteForm(url)?.host;
    return stated ?? this.#request.headersDistinct['host']?.join(', ');
  }

  field(name: CallField): string | undefined {
    const values = this.#request.headersDistinct[name];
    // The specification ignores a repeated parent; repeated timeouts, joined, are not a number.
    return values === undefined || (values.length > 1 && name === 'traceparent') ? undefined : values.join();
  }

  header(name: string): readonly string[] {
    return this.#request.headersDistinct[name] ?? [];
  }

  get peer(): Peer | undefined {
    return peerOf(this.#request.socket);
  }

  get clientCertificate(): ClientCertificate | undefined {
    // `node:http` declares the type of the sockets that it creates itself.
    const socket: unknown = this.#request.socket;
    return socket instanceof PacedSocket ? clientCertificateOf(socket.connection) : undefined;
  }

  get protocol(): 'http/1.0' | 'http/1.1' {
    return this.#request.httpVersionMinor === 0 ? 'http/1.0' : 'http/1.1';
  }

  get isFromBrowser(): boolean {
    return isFromBrowser(this.#request.headers);
  }

  get crossSiteFault(): string | undefined {
    return crossSiteFault(this.#request.headers);
  }

  announcedBytes(maxBytes: number): number {
    const announced = Number(this.#request.headers['content-length'] ?? 0);
    return announced <= maxBytes ? announced : 0;
  }

  body(maxBytes: number, call: BodyReceiver): Promise<string> {
    return readBody(this.#request, maxBytes, call);
  }

  send({ status, head, body, encoding }: Reply, isLast: boolean): Promise<void> | undefined {
    if (isLast) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(status, head as string[]);
    if (typeof body === 'string') this.#response.end(body, encoding);
    else if (body instanceof Uint8Array) this.#response.end(body);
    else return this.#sendParts(body);
    return undefined;
  }

  async #sendParts(parts: Parts): Promise<void> {
    const response = this.#response;
    // The response to HEAD has the head of the GET response and no body.
    if (this.method !== 'HEAD') await sendParts(response, parts, (part) => response.write(part));
    if (!response.destroyed) response.end();
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  onGone(listener: () => void): void {
    this.#response.once('close', listener);
  }
}
