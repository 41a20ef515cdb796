import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createFakeClock,
  createSignalSafeClock,
  type DatabaseServer,
  type FakeClock,
  freePort,
} from '@holdfast/testing/servers';
import { CoordinatorProcess } from './coordinator-process.ts';
import { planFaults } from './database-faults/fault-plan.ts';
import { FaultRun } from './database-faults/fault-run.ts';
import { faultyDatabase } from './database-faults/faulty-database.ts';
import { startNginx, type Nginx, type Ports } from './nginx.ts';
import type { RunOptions } from './options.ts';
import { type ClusterNode, Outages } from './outages.ts';
import { planOutages } from './outage-plan.ts';
import { MAX_RETRY_INTERVAL_S, RETRY_INTERVAL_S } from './plan.ts';
import { type SharedStore, startDatabase } from './private-database.ts';
import type { Security } from './secured/security.ts';
import { SessionWatch } from './session-watch.ts';
import type { Disturbed, Subject } from './subject.ts';

/** The built module: a coordinator cannot load a source. */
const OUTGOING_ADDRESS = fileURLToPath(new URL('../dist/outgoing-address.js', import.meta.url));
/**
 * A coordinator that is started while the database is unavailable, or for this long afterwards, may
 * exit, and is then started again.
 */
const MAY_ABANDON_MS = 5_000;

/** Several coordinators over one dedicated database, with nginx in front of them. */
export async function cluster(
  options: RunOptions & { readonly store: SharedStore },
  cliPath: string,
  folder: string,
  print: (line: string) => void,
  security?: Security,
): Promise<Subject> {
  const clock = options.faults > 0 ? clockOf(options.store) : undefined;
  const database = await startDatabase(options.store, clock?.environment);
  try {
    const ports: Ports[] = [];
    for (let node = 0; node < options.nodes; node++) ports.push(await freePorts());
    const nginxPorts = await freePorts();
    return new Cluster({ options, cliPath, folder, print, database, clock, ports, nginxPorts, security });
  } catch (error) {
    await database.stop();
    clock?.remove();
    throw error;
  }
}

async function freePorts(): Promise<Ports> {
  return { http: await freePort(), grpc: await freePort() };
}

/** The wall clock of the database. Throws if its program is not installed. */
function clockOf(store: SharedStore): FakeClock {
  const [create, program] =
    store === 'postgres' ? ([createSignalSafeClock, 'cc'] as const) : ([createFakeClock, 'faketime'] as const);
  const clock = create();
  if (clock === undefined)
    throw new Error(`--faults moves the clock of the database, for which ${program} is missing on this machine`);
  return clock;
}

interface Parts {
  readonly options: RunOptions & { readonly store: SharedStore };
  readonly cliPath: string;
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly database: DatabaseServer;
  /** Of the database, to be moved; undefined without faults. */
  readonly clock: FakeClock | undefined;
  readonly ports: readonly Ports[];
  readonly nginxPorts: Ports;
  readonly security: Security | undefined;
}

class Cluster implements Subject {
  readonly origin: string;
  readonly grpcAddress: string;
  readonly #parts: Parts;
  readonly #nodes: readonly ClusterNode[];
  readonly #outages: Outages;
  readonly #faults: FaultRun | undefined;
  #nginx: Nginx | undefined;
  #watch: SessionWatch | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.origin = `${parts.security === undefined ? 'http' : 'https'}://127.0.0.1:${parts.nginxPorts.http}`;
    this.grpcAddress = `127.0.0.1:${parts.nginxPorts.grpc}`;
    this.#nodes = parts.ports.map((port, index) => this.#node(port, index));
    this.#outages = new Outages(this.#nodes, parts.database, parts.print);
    this.#faults = parts.clock === undefined ? undefined : this.#faultRun(parts.clock);
  }

  #faultRun(clock: FakeClock): FaultRun {
    const { options, database, print, security } = this.#parts;
    // Secured coordinators accept no target without TLS.
    const scheme = security === undefined ? 'http' : 'https';
    let changes = 0;
    const change = async (node: ClusterNode | undefined): Promise<boolean> =>
      (await node?.process.probe.subscribe('crash-test', `${scheme}://127.0.0.1/${++changes}`)) ?? false;
    return new FaultRun({
      database: faultyDatabase(options.store, database.url),
      clock,
      restart: (signal, lastsMs) => this.#outages.restartDatabase(signal, lastsMs),
      changes: {
        // Through each coordinator in turn.
        changeKeyValue: () => change(this.#nodes[changes % this.#nodes.length]),
        changeEverywhere: () =>
          Promise.all(this.#nodes.filter((node) => !this.#outages.isPaused(node)).map((node) => change(node))),
      },
      print,
    });
  }

  #node(ports: Ports, index: number): ClusterNode {
    const { options, cliPath, folder, database, security } = this.#parts;
    const name = `n${index + 1}`;
    const address = `127.0.0.${index + 11}`;
    const limits = ['--heartbeat', `${options.heartbeatMs}ms`, '--silence', `${options.silenceMs}ms`];
    const process = new CoordinatorProcess({
      cliPath,
      port: ports.http,
      grpcPort: ports.grpc,
      serve: [
        ...['--store', database.url, '--node', name, '--log-format', 'json'],
        ...[...limits, '--retry-interval', `${RETRY_INTERVAL_S}s`, '--max-retry-interval', `${MAX_RETRY_INTERVAL_S}s`],
      ],
      node: ['--import', `file://${OUTGOING_ADDRESS}?address=${address}&except=${new URL(database.url).port}`],
      logPath: join(folder, `${name}.log`),
      security,
      mayEnd: () => this.#outages.databaseIsAway(MAY_ABANDON_MS) || this.#faults?.isAway(MAY_ABANDON_MS) === true,
    });
    return { name, address, process };
  }

  get deaths(): number {
    return this.#nodes.reduce((sum, { process }) => sum + process.deaths, 0);
  }

  async start(): Promise<number> {
    const startMs = performance.now();
    // All at once: each of them finds an empty database.
    for (const { process } of this.#nodes) process.start();
    await Promise.all(this.#nodes.map(({ process }) => process.ready()));
    const { folder, nginxPorts, ports, security } = this.#parts;
    this.#nginx = startNginx(folder, nginxPorts, ports, security?.nginx);
    const isPaused = (node: ClusterNode): boolean => this.#outages.isPaused(node);
    this.#watch = new SessionWatch(
      this.#nodes.map((node) => ({
        probe: node.process.probe,
        get isPaused() {
          return isPaused(node);
        },
      })),
    );
    return performance.now() - startMs;
  }

  async disturb(inFlight: () => number): Promise<Disturbed> {
    const { options } = this.#parts;
    const [outages] = await Promise.all([
      this.#outages.carryOut(planOutages(options), inFlight),
      this.#faults?.carryOut(planFaults(options)),
    ]);
    // A coordinator that did not start during a fault is started again after it.
    await Promise.all(this.#nodes.map(({ process }) => process.ready()));
    // What is seen later on belongs to it, too.
    const watch = this.#watch;
    return {
      kills: [],
      nodes: this.#nodes,
      outages,
      faults: this.#faults?.done ?? [],
      get sessions() {
        return watch?.seen ?? [];
      },
    };
  }

  async end(): Promise<void> {
    await this.#watch?.stop();
    await Promise.all(this.#nodes.map(({ process }) => process.kill()));
  }

  async close(): Promise<void> {
    await this.end();
    await Promise.all(this.#nodes.map(({ process }) => process.close()));
    await this.#nginx?.stop();
    await this.#parts.database.stop();
    this.#parts.clock?.remove();
  }
}
