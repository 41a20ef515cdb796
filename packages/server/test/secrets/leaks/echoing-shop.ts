import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a participant may repeat what it received. */
export const ECHOES: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  json: (text) => JSON.stringify({ detail: text }),
  'json-in-json': (text) => JSON.stringify({ detail: JSON.stringify({ text }) }),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(`: ${text}`).toString('base64url'),
  percent: (text) => encodeURIComponent(text),
};

/**
 * A participant, and the receiver of alerts, which repeats a header of each request, or all of
 * them: `/echo/HEADER/FORM/STATUS`, `/all/STATUS`, `/redirect`. Every other path succeeds.
 */
export class EchoingShop implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#serve(request, response));
  /** Of all requests. */
  readonly received: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];

  static async start(): Promise<EchoingShop> {
    const shop = new EchoingShop();
    shop.#server.listen(0, '127.0.0.1');
    await once(shop.#server, 'listening');
    return shop;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param account such as `name:password@` */
  url(path: string, account = ''): string {
    return `http://${account}127.0.0.1:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', headers } = request;
    this.received.push({ url, headers });
    request.resume().on('end', () => {
      const [, kind, name = '', form = '', status = ''] = url.split('?', 1)[0]?.split('/') ?? [];
      const all = JSON.stringify({ url, headers });
      if (kind === 'redirect')
        return response.writeHead(302, { location: `http://elsewhere/?x=${encodeURIComponent(all)}` }).end(all);
      if (kind === 'all') return response.writeHead(Number(name)).end(all);
      if (kind !== 'echo') return response.end('{"dtm_result":"SUCCESS"}');
      // Only the header: the reason that is kept is the beginning of a response.
      return response.writeHead(Number(status)).end(ECHOES[form]?.(String(headers[name] ?? '')) ?? '');
    });
  }
}
