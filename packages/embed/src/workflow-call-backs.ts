import type { BranchCallContext } from '@holdfast/client/api';
import { BranchOngoing } from '@holdfast/protocol';

/** Name of the function that workflows are called back at; those of an application may begin with anything but a dot. */
export const CALL_BACK_NAME = '.workflows';

/** More than so many are not remembered; they are asked about again at their retry interval. */
const MAX_WAITING = 10_000;

export interface WorkflowCallBacksDependencies {
  /** Runs a workflow's code from what is recorded. */
  readonly run: (call: BranchCallContext) => Promise<void>;
  /** Has the coordinator drive a transaction now. Must not reject. */
  readonly retry: (gid: string) => void;
}

/**
 * Call-backs of workflows in their own process. After a restart the coordinator calls back before the application has come to define its workflows: such a
 * call is answered ONGOING, and made again as soon as the workflow is defined.
 */
export class WorkflowCallBacks {
  readonly #d: WorkflowCallBacksDependencies;
  readonly #defined = new Set<string>();
  /** Gids by the name of their workflow. */
  readonly #waiting = new Map<string, Set<string>>();
  #count = 0;

  constructor(dependencies: WorkflowCallBacksDependencies) {
    this.#d = dependencies;
  }

  /** Serves one call-back. Throws `BranchOngoing` while the workflow is not defined. */
  serve(call: BranchCallContext): Promise<void> {
    const { op: name, gid } = call;
    if (this.#defined.has(name)) return this.#d.run(call);
    this.#remember(name, gid);
    throw new BranchOngoing(`no workflow named ${name} is defined in this process yet`);
  }

  /** The workflow of that name can be run from now on. */
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
