import type { BranchCallContext } from '@holdfast/client/api';
import { BranchOngoing } from '@holdfast/protocol';

/**
 * The name of the function at which workflows are called back. Names of an application cannot begin
 * with a dot.
 */
export const CALL_BACK_NAME = '.workflows';

/** Maximum number of transactions remembered; others are called back at their retry interval. */
const MAX_WAITING = 10_000;

export interface WorkflowCallbacksDependencies {
  /** Runs a workflow's code from its records. */
  readonly run: (call: BranchCallContext) => Promise<void>;
  /** Requests that the coordinator drive a transaction now. Must not reject. */
  readonly retry: (gid: string) => void;
}

/**
 * Callbacks of workflows in their own process. After a restart the coordinator may call back before
 * the application has defined its workflows: such a call returns ONGOING, and is made again as soon
 * as the workflow is defined.
 */
export class WorkflowCallbacks {
  readonly #d: WorkflowCallbacksDependencies;
  readonly #defined = new Set<string>();
  /** Gids by the name of their workflow. */
  readonly #waiting = new Map<string, Set<string>>();
  #count = 0;

  constructor(dependencies: WorkflowCallbacksDependencies) {
    this.#d = dependencies;
  }

  /** Serves one callback. Throws `BranchOngoing` while the workflow is not defined. */
  serve(call: BranchCallContext): Promise<void> {
    const { op: name, gid } = call;
    if (this.#defined.has(name)) return this.#d.run(call);
    this.#remember(name, gid);
    throw new BranchOngoing(`no workflow named ${name} is defined in this process yet`);
  }

  /** Called when the workflow with this name was defined. */
  defined(name: string): void {
    this.#defined.add(name);
    const gids = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const gid of gids) {
      this.#count--;
      this.#d.retry(gid);
    }
  }

  #remember(name: string, gid: string): void {
    if (this.#count >= MAX_WAITING) return;
    const gids = this.#waiting.get(name) ?? new Set();
    if (!gids.has(gid)) this.#count++;
    this.#waiting.set(name, gids.add(gid));
  }
}
