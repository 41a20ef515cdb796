import { HoldfastError } from '@holdfast/protocol';
import type { AuditBacklog } from './audit-backlog.ts';
import type { AuditLog } from './audit-log.ts';
import { type Described, recordedOf } from './describe.ts';

export interface NodeAuditOptions {
  readonly log: AuditLog;
  readonly backlog: AuditBacklog;
  /** The display name of this node. */
  readonly node: string;
}

/** What a node uses now, and what it used before. */
export interface Change {
  readonly on: Described;
  readonly before?: Described | undefined;
  readonly after: Described;
}

/** Records what a node does without a request: the first token, and changes of settings. */
export class NodeAudit {
  readonly #o: NodeAuditOptions;

  constructor(options: NodeAuditOptions) {
    this.#o = options;
  }

  /**
   * Carries out an action between an entry `begun` and an entry `result`. Throws `unavailable`
   * without carrying it out if the first cannot be written.
   *
   * @param action resolves to undefined if there was nothing to do any more
   */
  async carryOut<T>(operation: string, on: Described, action: () => Promise<T | undefined>): Promise<T | undefined> {
    const { log, backlog } = this.#o;
    const entry = { operation, ...this.#who(), on };
    const begun = await log.append({ kind: 'begun', ...entry }, 'reserve');
    const end = (result: string, value?: unknown) =>
      backlog.add({
        kind: 'result',
        begun,
        ...entry,
        result,
        ...(value !== undefined && { after: recordedOf(value) }),
      });
    let value: T | undefined;
    try {
      value = await action();
    } catch (thrown) {
      await end(HoldfastError.from(thrown).code);
      throw thrown;
    }
    await (value === undefined ? end('exists') : end('ok', value));
    return value;
  }

  /** Records a change that is in effect. Never rejects. */
  changed(operation: string, { on, before, after }: Change): Promise<void> {
    const entry = { operation, ...this.#who(), on, ...(before !== undefined && { before }), after };
    return this.#o.backlog.add({ kind: 'changed', ...entry });
  }

  #who() {
    const { node } = this.#o;
    return { principal: `node:${node}`, roles: [], from: '', node };
  }
}
