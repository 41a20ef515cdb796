import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DatabaseServer, freePort } from '@holdfast/test-servers';
import { CoordinatorProcess } from './coordinator-process.ts';
import { startNginx, type Nginx } from './nginx.ts';
import type { RunOptions } from './options.ts';
import { type ClusterNode, Outages } from './outages.ts';
import { planOutages } from './outage-plan.ts';
import { RETRY_INTERVAL_S } from './plan.ts';
import { type SharedStore, startDatabase } from './private-database.ts';
import { SessionWatch } from './session-watch.ts';
import type { Disturbed, Subject } from './subject.ts';

/** The built module: a coordinator cannot load a source. */
const OUTGOING_ADDRESS = fileURLToPath(new URL('../dist/outgoing-address.js', import.meta.url));
/**
 * A coordinator that is started while the database is away, or has just come back, may give up and
 * be started again.
 */
const MAY_GIVE_UP_MS = 5_000;

/** Several coordinators over one database of their own, and nginx in front of them. */
export async function cluster(
  options: RunOptions & { readonly store: SharedStore },
  cliPath: string,
  folder: string,
  print: (line: string) => void,
): Promise<Subject> {
  const database = await startDatabase(options.store);
  try {
    const ports: number[] = [];
    for (let node = 0; node < options.nodes; node++) ports.push(await freePort());
    return new Cluster({ options, cliPath, folder, print, database, ports, nginxPort: await freePort() });
  } catch (error) {
    await database.stop();
    throw error;
  }
}

interface Parts {
  readonly options: RunOptions;
  readonly cliPath: string;
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly database: DatabaseServer;
  readonly ports: readonly number[];
  readonly nginxPort: number;
}

class Cluster implements Subject {
  readonly origin: string;
  readonly #parts: Parts;
  readonly #nodes: readonly ClusterNode[];
  readonly #outages: Outages;
  #nginx: Nginx | undefined;
  #watch: SessionWatch | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.origin = `http://127.0.0.1:${parts.nginxPort}`;
    this.#nodes = parts.ports.map((port, index) => this.#node(port, index));
    this.#outages = new Outages(this.#nodes, parts.database, parts.print);
  }

  #node(port: number, index: number): ClusterNode {
    const { options, cliPath, folder, database } = this.#parts;
    const name = `n${index + 1}`;
    const address = `127.0.0.${index + 11}`;
    const limits = ['--heartbeat', `${options.heartbeatMs}ms`, '--silence', `${options.silenceMs}ms`];
    const process = new CoordinatorProcess({
      cliPath,
      port,
      serve: [
        ...['--store', database.url, '--node', name, '--log-format', 'json'],
        ...[...limits, '--retry-interval', `${RETRY_INTERVAL_S}s`],
      ],
      node: ['--import', `file://${OUTGOING_ADDRESS}?address=${address}&except=${new URL(database.url).port}`],
      logPath: join(folder, `${name}.log`),
      mayEnd: () => this.#outages.databaseIsAway(MAY_GIVE_UP_MS),
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
    this.#nginx = startNginx(this.#parts.folder, this.#parts.nginxPort, this.#parts.ports);
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
    const outages = await this.#outages.carryOut(planOutages(options), inFlight);
    // What is seen later on belongs to it, too.
    const watch = this.#watch;
    return {
      kills: [],
      nodes: this.#nodes,
      outages,
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
  }
}
