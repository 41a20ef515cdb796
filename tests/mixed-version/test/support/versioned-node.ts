import { fileURLToPath } from 'node:url';
import { CLI, HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { NodeCalls } from './node-calls.ts';

export const VERSIONS = ['previous', 'present'] as const;
export type Version = (typeof VERSIONS)[number];

/** The previous versions that are kept, by the day of their commit. */
export type Kept = '2026-11-21' | '2026-11-29';

/** The latest kept version; it supports all shared stores. */
export const LATEST_KEPT: Kept = '2026-11-29';

const keptProgram = (kept: Kept): string =>
  fileURLToPath(new URL(`../../previous/${kept}/bin/coordinator.js`, import.meta.url));

/**
 * A node that is killed is taken over soon, though not before a busy machine lets it heartbeat; one
 * that is stopped gives back what it cannot finish at once.
 */
const SETTINGS = {
  '--heartbeat': '300ms',
  '--silence': '3s',
  '--poll': '100ms',
  '--retry-interval': '200ms',
  '--max-retry-interval': '300ms',
  '--drain-timeout': '300ms',
};
/** How a log line of an error begins. */
const ERROR_LINE = /^\{"level":[56]0.*$/gm;

/** A coordinator of one of the versions, in a process. */
export class VersionedNode extends NodeCalls {
  readonly version: Version;
  readonly #program: string;
  readonly #store: string;
  #process: HoldfastProcess;
  #url = '';

  private constructor(version: Version, program: string, store: string) {
    super();
    this.version = version;
    this.#program = program;
    this.#store = store;
    this.#process = this.#launch();
  }

  /** @param kept which of the kept versions the previous one is */
  static async start(version: Version, store: string, kept: Kept = LATEST_KEPT): Promise<VersionedNode> {
    const node = new VersionedNode(version, version === 'present' ? CLI : keptProgram(kept), store);
    node.#url = await node.#process.ready();
    return node;
  }

  /**
   * Kills or stops the node. A stopped node must exit with code 0, and no log line may be an error.
   */
  async end(how: 'killed' | 'stopped'): Promise<void> {
    if (how === 'killed') await this.#process.kill();
    else if ((await this.#process.stop()) !== 0) throw new Error(`it did not stop:\n${this.#process.out}`);
    const errors = this.#process.out.match(ERROR_LINE);
    if (errors !== null) throw new Error(`the ${this.version} one logged errors:\n${errors.join('\n')}`);
  }

  /** Starts it again after its end. */
  async startAgain(): Promise<void> {
    this.#process = this.#launch();
    this.#url = await this.#process.ready();
  }

  get url(): string {
    return this.#url;
  }

  #launch(): HoldfastProcess {
    const args = [
      'serve',
      '--store',
      this.#store,
      '--http-port',
      '0',
      '--node',
      this.version,
      ...Object.entries(SETTINGS).flat(),
    ];
    return new HoldfastProcess(args, { cliPath: this.#program });
  }
}
