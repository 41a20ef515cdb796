import { fileURLToPath } from 'node:url';
import { CoordinatorProcess, PRESENT } from '../../../../deploy/test/support/coordinator.ts';

export const VERSIONS = ['previous', 'present'] as const;
export type Version = (typeof VERSIONS)[number];

const PROGRAMS: Readonly<Record<Version, string>> = {
  previous: fileURLToPath(new URL('../../previous/bin/coordinator.js', import.meta.url)),
  present: PRESENT,
};

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

/** The fields of responses; a test asserts that they are present. */
export interface ResponseBody {
  readonly gid: string;
  readonly status: string;
  readonly rollbackReason: string;
  readonly next: string | null;
  readonly items: readonly ResponseBody[];
  readonly topic: string;
  readonly subscribers: readonly { readonly url: string }[];
  readonly session: string;
  readonly node: string;
  readonly owner: string | null;
  readonly counts: { readonly byStatus: Readonly<Record<string, number>> };
  readonly steps: readonly { readonly branchId: string; readonly status: string; readonly data: string }[];
  readonly timeline: readonly { readonly kind: string; readonly detail?: string }[];
}

/**
 * A coordinator of one of the two versions, with the calls that tests make to it. Each call throws
 * unless the response has a status of 2xx.
 */
export class VersionedNode {
  readonly version: Version;
  readonly #store: string;
  #process: CoordinatorProcess;
  #url = '';

  private constructor(version: Version, store: string) {
    this.version = version;
    this.#store = store;
    this.#process = this.#launch();
  }

  static async start(version: Version, store: string): Promise<VersionedNode> {
    const node = new VersionedNode(version, store);
    node.#url = await node.#process.ready();
    return node;
  }

  /**
   * Kills or stops the node. A stopped node must exit with code 0, and no log line may be an error.
   */
  async end(how: 'killed' | 'stopped'): Promise<void> {
    if (how === 'killed') await this.#process.kill();
    else if ((await this.#process.stop()) !== 0) throw new Error(`it did not stop:\n${this.#process.output}`);
    const errors = this.#process.output.match(ERROR_LINE);
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

  async call(method: string, path: string, body?: unknown): Promise<ResponseBody> {
    const response = await fetch(this.#url + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${this.version}, ${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as ResponseBody;
  }

  get(path: string): Promise<ResponseBody> {
    return this.call('GET', `/api/v1${path}`);
  }

  post(path: string, body: unknown = {}): Promise<ResponseBody> {
    return this.call('POST', `/api/v1${path}`, body);
  }

  /** A call of dtm's REST. */
  dtm(path: string, body: unknown): Promise<ResponseBody> {
    return this.call('POST', `/api/dtmsvr/${path}`, body);
  }

  /** The status of a transaction, once it is final. */
  async final(gid: string): Promise<string> {
    return (await this.get(`/transactions/${gid}?waitMs=20000`)).status;
  }

  #launch(): CoordinatorProcess {
    const args = [
      '--store',
      this.#store,
      '--http-port',
      '0',
      '--node',
      this.version,
      ...Object.entries(SETTINGS).flat(),
    ];
    return new CoordinatorProcess(PROGRAMS[this.version], args);
  }
}
