import type { CallContext, Logger } from '@holdfast/core';
import { HoldfastError, logTextOfThrown } from '@holdfast/protocol';
import type { AuditEntry, CallRecorder, EndOfRecord, NamedCall } from '../calls/interceptors.ts';
import type { AnyInput } from '../calls/invoke.ts';
import type { AuditBacklog } from './audit-backlog.ts';
import type { AuditLog } from './audit-log.ts';
import { within } from './within.ts';
import { describedInput, reasonOf, recordedOf, stateOf, type Described, type StateSources } from './describe.ts';

export interface AuditRecorderOptions extends StateSources {
  readonly log: AuditLog;
  readonly backlog: AuditBacklog;
  readonly logger: Logger;
  /** The display name of this node. */
  readonly node: string;
}

/** Denied attempts that this node records per minute; the next entry has the number left out. */
const DENIED_PER_MINUTE = 30;
const MINUTE_MS = 60_000;
/** For how long an action waits for the state before and after it. */
const STATE_MS = 2_000;

/**
 * Records audited calls in the audit log. An entry `begun` is durable before the call is carried
 * out, and an entry `result` before its response is sent. After a crash in between, the entry
 * `begun` has no result, and the outcome of the action is unknown.
 */
export class AuditRecorder implements CallRecorder {
  readonly #o: AuditRecorderOptions;
  #minuteEndsMs = 0;
  #deniedInMinute = 0;
  #leftOut = 0;

  constructor(options: AuditRecorderOptions) {
    this.#o = options;
  }

  async begin(call: NamedCall, context: CallContext, input: AnyInput): Promise<EndOfRecord> {
    const { log } = this.#o;
    const action = this.#actionOf(call.name, context, input);
    const before = await this.#stateOf(context, action.on);
    let begun: number;
    try {
      begun = await log.append(
        { kind: 'begun', ...action, ...(before !== undefined && { before }) },
        call.kind === 'command' ? 'needed' : 'reserve',
      );
    } catch (thrown) {
      const { code, message } = HoldfastError.from(thrown);
      throw new HoldfastError(code, `${message}; the action was not carried out`, { cause: thrown });
    }
    return async (result, value) => {
      const after = (await this.#stateOf(context, action.on)) ?? recordedOf(value);
      await this.#o.backlog.add({
        kind: 'result',
        begun,
        ...action,
        result,
        ...(Object.keys(after).length > 0 && { after }),
      });
    };
  }

  /** Records an attempt that the caller's role did not allow. Other results are ignored. */
  denied({ operation, context, input, result }: AuditEntry): void {
    if (result !== 'forbidden') return;
    const nowMs = performance.now();
    if (nowMs >= this.#minuteEndsMs) {
      this.#minuteEndsMs = nowMs + MINUTE_MS;
      this.#deniedInMinute = 0;
    }
    if (++this.#deniedInMinute > DENIED_PER_MINUTE) {
      this.#leftOut++;
      return;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    const action = this.#actionOf(operation, context, input);
    const entry = { kind: 'denied' as const, ...action, result, ...(leftOut > 0 && { leftOut }) };
    this.#o.log.append(entry, 'needed').catch((thrown: unknown) => {
      this.#leftOut += leftOut + 1;
      const error = logTextOfThrown(thrown);
      this.#o.logger.warn({ operation, error }, 'a denied attempt could not be written to the audit log');
    });
  }

  /** An action must neither wait for ever nor fail because the state cannot be read. */
  #stateOf(context: CallContext, on: Described): Promise<Described | undefined> {
    return within(STATE_MS, stateOf(this.#o, context, on), 'the state cannot be read').catch(() => ({
      unreadable: 'unavailable',
    }));
  }

  #actionOf(operation: AuditEntry['operation'], context: CallContext, input: AnyInput) {
    const { principal, namespace, remoteAddress } = context;
    const reason = reasonOf(input);
    return {
      operation,
      principal: principal.id,
      roles: principal.roles,
      from: remoteAddress ?? '',
      node: this.#o.node,
      namespace,
      on: describedInput(input),
      ...(reason !== undefined && { reason }),
    };
  }
}
