import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CallContext, Coordinator } from '@holdfast/core';
import {
  DEFAULT_NAMESPACE,
  HoldfastError,
  OPERATION_NAMES,
  operationOf,
  type Role,
  STREAM_NAMES,
} from '@holdfast/protocol';
import { ApiV1, type AuditEntry, type ApiV1Options, type CallHooks, type CallResult, hookLog } from '@holdfast/api';
import { intercept } from '../../src/calls/interceptors.ts';

const CONTEXT = { principal: { id: 'ann', roles: ['viewer'] }, namespace: DEFAULT_NAMESPACE } as CallContext;

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An API whose transactions do not exist. */
function apiWith(hooks: CallHooks): ApiV1 {
  const missing = () => Promise.reject(new HoldfastError('not_found', 'there is none'));
  const coordinator = { heartbeat: () => Promise.resolve(), retryNow: missing, abort: missing, deleteTopic: missing };
  const description = {} as ApiV1Options['description'];
  return new ApiV1({ coordinator: coordinator as unknown as Coordinator, description }, hooks);
}

const retry = (api: ApiV1) => api.call('retryTransaction', CONTEXT, { gid: 'g' });
const heartbeat = (api: ApiV1) => api.call('sendHeartbeat', CONTEXT, { gid: 'g' });

describe('the interceptors of operations', () => {
  it('report the result and the time of each call, under the name of its operation', async () => {
    const seen: [string, CallResult, number][] = [];
    const named: string[] = [];
    const api = apiWith({
      observe: (name) => {
        named.push(name);
        return (result, ms) => void seen.push([name, result, ms]);
      },
    });
    await heartbeat(api);
    await expect(retry(api)).rejects.toMatchObject({ code: 'not_found' });
    await expect(api.call('parkWorkflow', CONTEXT, { gid: 'g', body: { reason: '' } })).rejects.toThrow();
    expect(seen.map(([name, result]) => `${name} ${result}`)).toEqual([
      'sendHeartbeat ok',
      'retryTransaction not_found',
      'parkWorkflow invalid',
    ]);
    for (const [, , ms] of seen) expect(ms).toBeGreaterThanOrEqual(0);
    // Composed once, not for each call.
    expect(named).toEqual([...OPERATION_NAMES, ...STREAM_NAMES]);
  });

  it('let a caller do only what its role allows, and the role of an abort depends on its sender', async () => {
    const requested: Role[] = [];
    const api = apiWith({
      allows: ({ roles }, role) => {
        requested.push(role);
        return roles.includes(role);
      },
    });
    await expect(heartbeat(api)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(retry(api)).rejects.toMatchObject({ code: 'forbidden' });
    for (const by of ['initiator', 'operator'] as const)
      await expect(api.call('abortTransaction', CONTEXT, { gid: 'g', body: { by } })).rejects.toThrow(/role/);
    expect(requested).toEqual(['submitter', 'operator', 'submitter', 'operator']);
  });

  it('write audited operations to the audit log with their results, also forbidden ones, and no others', async () => {
    const entries: AuditEntry[] = [];
    const api = apiWith({ audit: (entry) => void entries.push(entry), allows: (_, role) => role !== 'operator' });
    await heartbeat(api);
    await expect(retry(api)).rejects.toMatchObject({ code: 'forbidden' });
    expect(entries).toEqual([
      { operation: 'retryTransaction', context: CONTEXT, input: { gid: 'g' }, result: 'forbidden' },
    ]);
  });

  it('enclose a call in a span from its start to its end', async () => {
    const events: string[] = [];
    const api = apiWith({
      trace: (name, context) => {
        events.push(`${name} of ${context.principal.id}`);
        return (result) => void events.push(result);
      },
    });
    await heartbeat(api);
    expect(events).toEqual(['sendHeartbeat of ann', 'ok']);
  });

  it('whose hooks throw change no result of a call, and the errors are reported', async () => {
    const threw: string[] = [];
    const fail = (what: string) => (): never => {
      throw new Error(what);
    };
    const api = apiWith({
      observe: () => fail('observe'),
      audit: fail('audit'),
      trace: (name) => (name === 'sendHeartbeat' ? fail('end of trace') : fail('trace')()),
      threw: (hook, error) => void threw.push(`${hook}: ${(error as Error).message}`),
    });
    await expect(heartbeat(api)).resolves.toBeUndefined();
    expect(threw.splice(0)).toEqual(['observe: observe', 'trace: end of trace']);
    await expect(retry(api)).rejects.toMatchObject({ code: 'not_found' });
    expect(threw).toEqual(['trace: trace', 'audit: audit', 'observe: observe']);
  });

  it('whose hooks reject later end neither the call nor the process, and the errors are reported', async () => {
    const threw: unknown[] = [];
    const audit = (() => Promise.reject(new Error('late'))) as unknown as NonNullable<CallHooks['audit']>;
    const api = apiWith({ audit, threw: (hook) => void threw.push(hook) });
    await expect(retry(api)).rejects.toMatchObject({ code: 'not_found' });
    await expect.poll(() => threw).toEqual(['audit']);
  });

  it('that cannot decide about access reject the call, which is reported', async () => {
    const seen: CallResult[] = [];
    const allows = () => {
      throw new Error('the directory is away');
    };
    const api = apiWith({ allows, observe: () => (result) => void seen.push(result) });
    await expect(heartbeat(api)).rejects.toMatchObject({ code: 'internal' });
    expect(seen).toEqual(['internal']);
  });

  it('log an error of a hook at most once per minute, with the number of errors', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const lines: unknown[] = [];
    const logger = { ...SILENT, error: (fields: object) => void lines.push(fields) };
    const threw = hookLog(logger);
    for (let n = 0; n < 3; n++) threw('audit', new Error(`fault ${n}`));
    threw('observe', new Error('other'));
    vi.advanceTimersByTime(60_001);
    threw('audit', new Error('fault 3'));
    expect(lines).toMatchObject([
      { hook: 'audit', times: 1, error: expect.stringContaining('fault 0') as string },
      { hook: 'observe', times: 1 },
      { hook: 'audit', times: 3, error: expect.stringContaining('fault 3') as string },
    ]);
  });

  it('that are absent leave the call as it is: the caller receives the very promise of the implementation', () => {
    const done = Promise.resolve();
    const call = { name: 'sendHeartbeat', ...operationOf('sendHeartbeat') } as const;
    const invoke = intercept({})(call, () => done);
    expect(invoke(CONTEXT, { gid: 'g' }, 0)).toBe(done);
  });
});

describe('a stream', () => {
  const states = [{ version: 1 }, { version: 2 }];
  const watching = (hooks: CallHooks, end?: HoldfastError) => {
    const coordinator = {
      async *watch() {
        for (const state of states) yield { ...VIEW, ...state };
        if (end !== undefined) throw end;
      },
    };
    return new ApiV1({ coordinator: coordinator as unknown as Coordinator, description: {} as never }, hooks);
  };
  const VIEW = {
    ...{ namespace: 'default', gid: 'g', pattern: 'saga', status: 'submitted', branches: [] },
    definition: { steps: [], queryPrepared: '' },
    state: { rollbackReason: '', stopped: '', timeline: [], parked: '' },
  };
  const watch = async (api: ApiV1, context = CONTEXT): Promise<readonly number[]> => {
    const versions: number[] = [];
    await api.stream('watch', context, { transactions: [{ gid: 'g' }] }, ({ transaction }) => {
      versions.push(transaction.version);
      return Promise.resolve();
    });
    return versions;
  };

  it('is one call, from its beginning until its end, with its result', async () => {
    const seen: string[] = [];
    const hooks: CallHooks = {
      observe: (name) => (result) => void seen.push(`observed ${name} ${result}`),
      trace: (name) => {
        seen.push(`began ${name}`);
        return (result) => void seen.push(`ended ${name} ${result}`);
      },
      audit: ({ operation }) => void seen.push(`audited ${operation}`),
    };
    expect(await watch(watching(hooks))).toEqual([1, 2]);
    await expect(watch(watching(hooks, new HoldfastError('not_found', 'purged')))).rejects.toThrow('purged');
    expect(seen).toEqual([
      ...['began watch', 'observed watch ok', 'ended watch ok'],
      ...['began watch', 'observed watch not_found', 'ended watch not_found'],
    ]);
  });

  it('needs the role of a viewer', async () => {
    const allows: CallHooks['allows'] = ({ roles }, role) => roles.includes(role);
    expect(await watch(watching({ allows }))).toEqual([1, 2]);
    const nobody = { ...CONTEXT, principal: { id: 'eve', roles: [] } };
    await expect(watch(watching({ allows }), nobody)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('with an input that is not valid is rejected, naming the field', async () => {
    const call = watching({}).stream('watch', CONTEXT, { transactions: [{ gid: 7 as never }] }, () =>
      Promise.resolve(),
    );
    await expect(call).rejects.toMatchObject({ code: 'invalid', field: ['transactions', 0, 'gid'] });
  });
});
