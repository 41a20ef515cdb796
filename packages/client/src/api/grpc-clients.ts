import type { Client } from '@grpc/grpc-js';
import { type GrpcUrl, serversOfList } from '@holdfast/protocol/grpc';
import type { ClientTls } from '../options.ts';
import type { GrpcLibrary } from './grpc-library.ts';

/** Clients that are kept; the one that was used longest ago is closed first. */
const MOST_CLIENTS = 256;

/** A longer response is not read. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/**
 * A lost connection is established again at the next call, after a pause of at most a second. The
 * library's own pause grows to two minutes, in which every call fails.
 */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
  // Connections of another client of the process are not affected by what this one closes.
  'grpc.use_local_subchannel_pool': 1,
  // As over HTTP, neither the environment nor DNS changes where and how a call is made.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
} as const;

const ROUND_ROBIN = { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) };

/** A server, or a name with several addresses, and how it is reached. */
type Target = Pick<GrpcUrl, 'scheme' | 'server' | 'isSecure'>;

const keyOf = ({ scheme, server, isSecure }: Target): string => `${isSecure ? 'grpcs' : scheme}://${server}`;

const bytesOf = (pem: string | Buffer | undefined): Buffer | null =>
  pem === undefined ? null : Buffer.from(pem as string);

/** The clients of the servers that were called, one connection per address. */
export class GrpcClients {
  /** In the order of their last use. */
  readonly #clients = new Map<string, Client>();
  readonly #grpc: GrpcLibrary;
  readonly #options: Readonly<Record<string, string | number>>;
  readonly #tls: ClientTls;
  #turn = 0;

  constructor(grpc: GrpcLibrary, options: Readonly<Record<string, string | number>> = {}, tls: ClientTls = {}) {
    this.#grpc = grpc;
    this.#tls = tls;
    this.#options = options;
  }

  /**
   * The client of a target; of a list, of the next server that is not known to be unreachable.
   *
   * @throws {TypeError} the scheme has no resolver here
   */
  of(target: Target): Client {
    if (target.scheme !== 'direct') return this.#clientOf(target);
    const servers = serversOfList(target.server);
    const inTurn = servers.map((_, index) => servers[(this.#turn + index) % servers.length] ?? '');
    this.#turn = (this.#turn + 1) % servers.length;
    const clients = inTurn.map((server) => this.#clientOf({ scheme: '', server, isSecure: false }));
    const { TRANSIENT_FAILURE } = this.#grpc.connectivityState;
    const usable = clients.find((client) => client.getChannel().getConnectivityState(true) !== TRANSIENT_FAILURE);
    return usable ?? (clients[0] as Client);
  }

  /**
   * Has the next call open another connection: this one may lead to a server that no longer exists.
   * Calls in progress may end.
   */
  replace(client: Client): void {
    for (const [key, known] of this.#clients) if (known === client) this.#clients.delete(key);
    client.close();
  }

  /** Calls in progress may end. */
  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #clientOf(target: Target): Client {
    const key = keyOf(target);
    const known = this.#clients.get(key);
    const client = known ?? this.#open(target);
    this.#clients.delete(key);
    this.#clients.set(key, client);
    const [oldest] = this.#clients;
    if (this.#clients.size > MOST_CLIENTS && oldest !== undefined) this.replace(oldest[1]);
    return client;
  }

  #open({ scheme, server, isSecure }: Target): Client {
    if (scheme !== '' && scheme !== 'dns')
      throw new TypeError(
        `the SDK cannot resolve ${scheme}:// addresses; use host:port, dns:///host:port or direct://host:port,host:port`,
      );
    const { Client, credentials } = this.#grpc;
    const { ca, cert, key, serverName } = this.#tls;
    return new Client(
      `dns:${server.replace(/^\//, '')}`,
      isSecure ? credentials.createSsl(bytesOf(ca), bytesOf(key), bytesOf(cert)) : credentials.createInsecure(),
      {
        ...CHANNEL_OPTIONS,
        ...(isSecure && serverName !== undefined && { 'grpc.ssl_target_name_override': serverName }),
        ...(scheme === 'dns' && ROUND_ROBIN),
        ...this.#options,
      },
    );
  }
}
