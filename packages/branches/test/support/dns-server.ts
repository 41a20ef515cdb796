import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/**
 * What a name has: addresses, nothing (`[]`), or silence (undefined). Names that are not listed do
 * not exist.
 */
export type Zone = Readonly<Record<string, readonly string[] | undefined>>;

/** A DNS server on a real port that records its queries. */
export class DnsServer implements AsyncDisposable {
  /** `A name` or `AAAA name`. */
  readonly queried: string[] = [];
  zone: Zone;
  readonly #socket: Socket;

  private constructor(socket: Socket, zone: Zone) {
    this.#socket = socket;
    this.zone = zone;
    socket.on('message', (query, { port, address }) => {
      const reply = this.#reply(query);
      if (reply !== undefined) socket.send(reply, port, address);
    });
  }

  static async start(zone: Zone): Promise<DnsServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket, zone);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #reply(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    this.queried.push(`${type === 1 ? 'A' : 'AAAA'} ${name}`);
    const exists = Object.hasOwn(this.zone, name);
    const addresses = this.zone[name];
    if (exists && addresses === undefined) return undefined;
    const records = (addresses ?? []).filter((address) => (type === 1) === address.includes('.'));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(exists ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, query.subarray(12, at + 5), ...records.map((address) => record(type, address))]);
  }
}

function record(type: number, address: string): Buffer {
  const data =
    type === 1
      ? Buffer.from(address.split('.').map(Number))
      : // Only the form ::N is needed.
        Buffer.from([...Array.from({ length: 15 }, () => 0), Number(address.slice(2))]);
  const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}
