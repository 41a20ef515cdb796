import { hostname } from 'node:os';
import type { LocalBranches } from '@holdfast/branches';
import type { Engine } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import {
  Admission,
  AdmittedCoordinator,
  allows,
  ApiV1,
  type Authenticator,
  type CallHooks,
  hookLog,
  refuseUnverifiedTls,
  DtmService,
  type RunningCoordinator,
  startCoordinator,
  TokenBook,
} from '@holdfast/api';
import { readBootstrapFile } from './access/bootstrap-file.ts';
import { type Limits, limitsOf } from './access/limits.ts';
import { type Access, startAccess } from './access/start-access.ts';
import { auditOf, type ServerAudit } from './audit/server-audit.ts';
import { ConfigError } from './config/config-error.ts';
import { engineOptionsOf } from './config/engine-options.ts';
import { configWith } from './config/config-with.ts';
import { flagOf, type ServerConfig } from './config/options.ts';
import { grpcMethods } from './grpc/grpc-methods.ts';
import type { GrpcMethod, GrpcTransport } from './grpc/grpc-method.ts';
import { GrpcServer, type GrpcServerOptions } from './grpc/grpc-server.ts';
import { dtmRoutes } from './http/dtm-routes.ts';
import { jsonRpcRoute } from './http/json-rpc.ts';
import { knownHosts } from './http/known-hosts.ts';
import { operationsRoutes } from './http/operations.ts';
import { Router } from './http/router.ts';
import { HttpServer } from './http/server.ts';
import { v1Routes } from './http/v1-routes.ts';
import { type Log, logDefect, SILENT } from './logs/log.ts';
import { createExposition, type Siblings } from './metrics/exposition.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';
import { storeOf, storeTlsOf } from './open-store.ts';
import { prepareOidc } from './oidc/start-oidc.ts';
import { branchTargetsOf, listenersOf } from './targets/branch-targets.ts';
import { alertWebhookUrl } from './secrets/alert-webhook-url.ts';
import { serverSecrets } from './secrets/server-secrets.ts';
import { WatchedFiles } from './secrets/watched-files.ts';
import { branchTls } from './tls/branch-tls.ts';
import { certificateRules, hasAdmin, withCertificates } from './tls/certificate-authenticator.ts';
import { serverTls } from './tls/server-tls.ts';
import { callSignerOf } from './signing/call-signer-of.ts';
import { VERSION } from './version.ts';

/**
 * How long idle connections stay open during shutdown; a request that arrives in that time is
 * served, and its response closes the connection.
 */
const LEAVE_MS = 500;

/** A coordinator with its transports. */
export interface RunningServer {
  /** For example `http://127.0.0.1:36789`. */
  readonly url: string;
  /** The address of the gRPC server, for example `127.0.0.1:36790`; empty if gRPC is not served. */
  readonly grpcAddress: string;
  readonly coordinator: Engine;
  /** The functions of this process that `local://NAME` branches call. */
  readonly locals: LocalBranches;
  readonly config: ServerConfig;
  /** The first API token of the store, if this start created it. Shown to the operator, once. */
  readonly bootstrapToken: string | undefined;
  /** Whether the store was new: its folder, tables or keys were created. */
  readonly created: boolean;
  /** Reads the files that options name again. Never rejects: a fault is a warning. */
  reload(): Promise<void>;
  /** Stops accepting, finishes or releases what is in progress, closes the store. Idempotent. */
  close(): Promise<void>;
}

export interface ServerParts {
  readonly log?: Log;
  /** Used instead of the store in `store`; closed with the server. */
  readonly store?: Store;
  readonly locals?: LocalBranches;
  /** Determines the callers; absent: every caller is anonymous and may do everything. */
  readonly authenticator?: Authenticator;
  /**
   * Secrets that `branch_headers` may name in the namespace `default`, besides those of
   * `secretsDir`; see `secretsOfEnvironment`.
   */
  readonly secrets?: ReadonlyMap<string, string>;
  /** The other workers of the same port. */
  readonly siblings?: Siblings;
}

/**
 * Starts a coordinator and its HTTP server in this process. Missing `values` take their defaults.
 * Throws `ConfigError` (one line with the fix), `StoreError`, or `HoldfastError` if the store
 * cannot be reached.
 */
export async function startServer(values: Partial<ServerConfig> = {}, parts: ServerParts = {}): Promise<RunningServer> {
  const config = configWith(values);
  if (config.workers !== 1)
    throw new ConfigError('workers: this is one process; holdfast serve --workers starts several');
  const log = parts.log ?? SILENT;
  const files = new WatchedFiles({ log });
  try {
    return await startWith(config, { ...parts, log, files });
  } catch (error) {
    files.close();
    throw error;
  }
}

type StartParts = ServerParts & { readonly log: Log; readonly files: WatchedFiles };

async function startWith(config: ServerConfig, parts: StartParts): Promise<RunningServer> {
  const { log, files } = parts;
  const certificates = await certificateRules(config, files);
  // With authentication, a caller is not trusted with the network of the coordinator.
  const authenticates = parts.authenticator !== undefined || certificates !== undefined || config.auth;
  const unlisted = authenticates ? 'public' : 'all';
  const targets = await branchTargetsOf(config, files, log, unlisted);
  const secrets = await serverSecrets(config, { files, log, ofEnvironment: parts.secrets ?? new Map(), targets });
  const metrics = new ServerMetrics();
  refuseUnverifiedTls(process.env);
  const tls = await serverTls(config, { files, log, failed: () => metrics.tlsHandshakeFailed() });
  if (tls !== undefined) metrics.certificateExpires('server', tls.expiresMs);
  const towardsBranches = await branchTls(config, { files, log });
  if (towardsBranches !== undefined) metrics.certificateExpires('branches', towardsBranches.expiresMs);
  const bootstrapText = await readBootstrapFile(config.bootstrapTokenFile, log);
  const oidc = await prepareOidc(config, { files, log });
  const alertWebhook = await alertWebhookUrl(config, files);
  const signer = await callSignerOf(config, files, log);
  const store = parts.store ?? (await storeOf(config.store, (text) => log.warn({}, text), storeTlsOf(config)));
  const limits = limitsOf(config, authenticates, { store, metrics });
  const http = new HttpServer({
    log,
    maxBodyBytes: config.maxBodyBytes,
    maxConnections: config.maxConnections,
    isKnownHost: knownHosts(config),
    servesGetCommands: config.dtmGetCommands,
    requestReader: config.requestReader,
    ...(tls !== undefined && { tls: tls.gate('http') }),
    responded: (route, status, durationMs) => metrics.http.responded(route, status, durationMs),
  });
  // The port comes first: if it is in use, most often by another coordinator, the store is not
  // touched.
  const url = await listen(http, config, 'httpPort');
  const grpc = await grpcServerOf(config, {
    log,
    maxMessageBytes: config.maxBodyBytes,
    maxConnections: config.maxConnections,
    ...(tls !== undefined && { tls: tls.gate('grpc') }),
    responded: (path, status, durationMs) => metrics.grpc.responded(path, status, durationMs),
  });
  let grpcAddress: string;
  try {
    grpcAddress = config.grpc ? await listen(grpc, config, 'grpcPort') : '';
  } catch (error) {
    await http.close();
    throw error;
  }
  targets?.listensAt(listenersOf(config.host, [url, grpcAddress]));
  const node = config.node === '' ? `${hostname()}-${process.pid}` : config.node;
  let running: RunningCoordinator;
  try {
    running = await startCoordinator({
      store,
      logger: log,
      observer: metrics,
      branchClient: config.branchClient,
      connections: {
        lookup: config.nameLookup,
        onNoRoom: () => metrics.noRoomForDestination(),
        ...(towardsBranches !== undefined && { settings: { tls: towardsBranches.source } }),
        ...(targets !== undefined && { targets }),
      },
      ...(signer !== undefined && { signer }),
      ...(secrets !== undefined && { secrets }),
      ...(limits !== undefined && { onFinished: (id) => limits.unfinished.finished(id) }),
      engine: engineOptionsOf(config, node, VERSION),
      ...(alertWebhook !== undefined && { alertWebhook }),
      ...(parts.locals !== undefined && { locals: parts.locals }),
    });
  } catch (error) {
    await Promise.all([http.close(), grpc.close()]);
    throw error;
  }
  const { siblings } = parts;
  const tokens = new TokenBook(running.store);
  const mustAuthenticate = certificates !== undefined || parts.authenticator !== undefined || config.auth;
  const audit = auditOf({ store: running.store, config, log, node, tokens, files }, mustAuthenticate);
  let access: Access | undefined;
  try {
    const { recordFirstToken } = audit ?? {};
    const hasOtherAdmins = parts.authenticator !== undefined || hasAdmin(certificates);
    access = await startAccess(config, {
      tokens,
      metrics,
      log,
      bootstrapText,
      recordFirstToken,
      oidc,
      hasOtherAdmins,
    });
  } catch (error) {
    audit?.stop();
    await running.close(0);
    await Promise.all([http.close(), grpc.close()]);
    throw error;
  }
  const authenticator = withCertificates(certificates, parts.authenticator ?? access?.authenticator);
  const isProtected = authenticator !== undefined;
  await audit?.recordSettings();
  const services = { metrics, siblings, node, log, tokens, isProtected, audit, limits };
  const { router, methods } = servicesOf(running, config, services);
  http.use(router, authenticator, limits?.principals);
  grpc.use(methods, authenticator, limits?.principals);
  // The store is open already: this returns what opening found.
  const created = (await store.open()).found === 0;
  let closing: Promise<void> | undefined;
  return {
    url,
    grpcAddress,
    coordinator: running.engine,
    locals: running.locals,
    config,
    bootstrapToken: access?.bootstrapToken,
    created,
    reload: () => files.reload(),
    close: () => {
      files.close();
      audit?.stop();
      oidc?.keys.stop();
      return (closing ??= closeAll(http, grpc, running, config));
    },
  };
}

/** The library is loaded only if it is chosen. */
async function grpcServerOf({ grpcServer }: ServerConfig, options: GrpcServerOptions): Promise<GrpcTransport> {
  if (grpcServer === 'own') return new GrpcServer(options);
  const { GrpcJsServer } = await import('./grpc/library/grpc-js-server.ts');
  return new GrpcJsServer(options);
}

/**
 * First the clients leave: no connection is accepted, every response closes its connection, and
 * readiness is withdrawn; requests that still arrive are served. Only then are the transactions in
 * progress finished or released.
 */
async function closeAll(
  http: HttpServer,
  grpc: GrpcTransport,
  running: RunningCoordinator,
  { drainTimeout }: ServerConfig,
): Promise<void> {
  http.stopAccepting();
  grpc.stopAccepting();
  running.engine.retire();
  try {
    await http.emptied(Math.min(LEAVE_MS, drainTimeout));
    await running.close(drainTimeout);
  } finally {
    await Promise.all([http.close(), grpc.close()]);
  }
}

interface Parts {
  readonly metrics: ServerMetrics;
  readonly siblings: Siblings | undefined;
  readonly node: string;
  readonly log: Log;
  readonly tokens: TokenBook;
  /** Whether callers need roles. */
  readonly isProtected: boolean;
  /** Undefined: nothing is recorded. */
  readonly audit: ServerAudit | undefined;
  /** Undefined: callers have no limits. */
  readonly limits: Limits | undefined;
}

/** What the transports offer. */
function servicesOf(
  { engine, store, branches }: RunningCoordinator,
  config: ServerConfig,
  { metrics, siblings, node, log, tokens, isProtected, audit, limits }: Parts,
): { readonly router: Router; readonly methods: readonly GrpcMethod[] } {
  const startedMs = performance.now();
  const coordinator = new AdmittedCoordinator(engine, new Admission(branches, config), limits?.unfinished);
  const uptimeMs = (): number => performance.now() - startedMs;
  const description = { version: VERSION, node, store: store.capabilities, uptimeMs };
  const hooks: CallHooks = {
    observe: (name) => metrics.operation(name),
    threw: hookLog(log),
    ...(isProtected && { allows }),
    ...audit?.hooksOf(coordinator),
  };
  const retry = { retryIntervalMs: config.retryInterval, maxRetryIntervalMs: config.maxRetryInterval };
  const dtm = new DtmService(
    { coordinator, version: VERSION, defaultResetAfterMs: 3 * config.timeoutToFail, retry },
    hooks,
  );
  const api = new ApiV1({ coordinator, description, tokens, audit: audit?.log }, hooks);
  const router = new Router([
    ...dtmRoutes(dtm),
    jsonRpcRoute(dtm, (error) => logDefect(log, '/api/json-rpc', error), limits?.principals),
    ...v1Routes(api),
    ...operationsRoutes(engine, { version: VERSION, metrics: createExposition(metrics, engine, siblings) }),
  ]);
  return { router, methods: config.grpc ? grpcMethods({ dtm, api, coordinator: engine, log }) : [] };
}

type PortOption = 'httpPort' | 'grpcPort';

/** Binds a port, with an error that states what to do. */
async function listen(
  transport: Pick<HttpServer | GrpcTransport, 'listen'>,
  config: ServerConfig,
  option: PortOption,
): Promise<string> {
  try {
    return await transport.listen(config.host, config[option]);
  } catch (error) {
    throw new ConfigError(listenFault(config.host, config[option], flagOf(option), error));
  }
}

function listenFault(host: string, port: number, flag: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use: stop the process that listens there (perhaps another coordinator), or choose another port with ${flag}`;
    case 'EACCES':
      return `port ${port} on ${host} is not permitted for this user: choose one above 1023 with ${flag}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: choose another with --host`;
    default:
      return `cannot listen on ${host}, port ${port}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
