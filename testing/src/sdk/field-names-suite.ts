import {
  type Barrier,
  type BranchDeclaration,
  type Holdfast,
  type MessageOptions,
  RequestRejected,
  type SagaOptions,
  type SagaStep,
  type TccOptions,
  type WorkflowOptions,
} from '@holdfast/client';
import { type ListQuery, SDK_FIELDS, type SdkFields } from '@holdfast/client/api';
import { describe, expect, it } from 'vitest';
import type { SdkHarness } from './harness.ts';

/** What a provocation may use. */
interface Scene {
  readonly hf: Holdfast;
  /** A branch that succeeds. */
  readonly ok: BranchDeclaration<unknown>;
  readonly workflowOptions: Pick<WorkflowOptions, 'callbackUrl'>;
}

type Provoke = (scene: Scene) => Promise<unknown>;

/** A field in the names of the SDK, with `[]` for an index, and calls that are rejected for it. */
type Provocations = Readonly<Record<string, Provoke | readonly Provoke[]>>;

const LONG = 'x'.repeat(1025);
/** A payload above the limit of every coordinator. */
const HUGE = 'x'.repeat(1024 * 1024);
const BAD_URL = 'ftp://bank/';

const saga = ({ hf, ok }: Scene, options: SagaOptions, step: Partial<SagaStep> = {}, gid?: string) =>
  hf
    .saga(gid)
    .step({ action: ok, compensate: null, ...step })
    .options(options)
    .submit();

const message = ({ hf, ok }: Scene, options: MessageOptions) => hf.message().step(ok).options(options).submit();
const tcc = ({ hf }: Scene, options: TccOptions) => hf.tcc(() => undefined, options);
const xa = ({ hf }: Scene, options: TccOptions) => hf.xa(() => undefined, options);

const workflow = (
  { hf, workflowOptions }: Scene,
  options: Partial<WorkflowOptions>,
  { name, input = 1, gid = hf.newGid() }: { readonly name: string; readonly input?: unknown; readonly gid?: string },
) => hf.workflow(name, { version: 1, ...workflowOptions, ...options }, () => 1).run(input, { gid });

/** Options that all patterns share, each with a wrong value. */
const optionsOf = (submit: (scene: Scene, options: SagaOptions) => Promise<unknown>): Provocations => ({
  retryIntervalMs: (scene) => submit(scene, { retryIntervalMs: -1 }),
  requestTimeoutMs: (scene) => submit(scene, { requestTimeoutMs: -1 }),
  branchHeaders: (scene) => submit(scene, { branchHeaders: { [LONG.repeat(50)]: '1' } }),
});

/** A barrier that a rejected message never uses. */
const BARRIER: Pick<Barrier<unknown>, 'message' | 'checkBack'> = {
  message: () => Promise.reject(new Error('the message was prepared')),
  checkBack: () => Promise.reject(new Error('the message was prepared')),
};

const list =
  (query: ListQuery): Provoke =>
  ({ hf }) =>
    hf.list(query);

/** By operation, and by pattern where the request has one. */
const PROVOCATIONS: Readonly<Record<string, Readonly<Record<string, Provocations>>>> = {
  createTransaction: {
    saga: {
      ...optionsOf(saga),
      gid: (scene) => saga(scene, {}, {}, LONG),
      steps: ({ hf }) => hf.saga().submit(),
      'steps[].action': (scene) => saga(scene, {}, { action: BAD_URL }),
      'steps[].compensate': (scene) => saga(scene, {}, { compensate: BAD_URL }),
      'steps[].payload': (scene) => saga(scene, {}, { payload: HUGE }),
      'steps[].requestTimeoutMs': (scene) => saga(scene, {}, { requestTimeoutMs: -1 }),
      'steps[].after': ({ hf, ok }) =>
        hf
          .saga()
          .step({ action: ok, compensate: null, after: [7] })
          .concurrent()
          .submit(),
      'concurrent()': async (scene) => {
        await saga(scene, {}, {}, 'g');
        return scene.hf.saga('g').step({ action: scene.ok, compensate: null }).concurrent().submit();
      },
      timeoutToFailMs: (scene) => saga(scene, { timeoutToFailMs: -1 }),
      retryLimit: (scene) => saga(scene, { retryLimit: -1 }),
    },
    msg: {
      ...optionsOf(message),
      gid: ({ hf, ok }) => hf.message(LONG).step(ok).submit(),
      steps: ({ hf }) => hf.message().submit(),
      'steps[].branch': [
        ({ hf, ok }) => hf.message().step(ok).step(BAD_URL).submit(),
        ({ hf, ok }) => hf.message().step(ok).step('topic://nobody').submit(),
      ],
      'steps[].payload': ({ hf, ok }) => hf.message().step(ok, HUGE).submit(),
      'steps[].requestTimeoutMs': ({ hf, ok }) => hf.message().step(ok, 1, { requestTimeoutMs: -1 }).submit(),
      checkBackUrl: [
        ({ hf, ok }) => hf.message().step(ok).prepare(BAD_URL),
        ({ hf, ok }) =>
          hf
            .message()
            .step(ok)
            .submitWith(BARRIER, BAD_URL, () => 1),
      ],
      'delay()': ({ hf, ok }) => hf.message().step(ok).delay(-1).submit(),
      timeoutToFailMs: (scene) => message(scene, { timeoutToFailMs: -1 }),
    },
    tcc: {
      ...optionsOf(tcc),
      gid: (scene) => tcc(scene, { gid: LONG }),
      timeoutToFailMs: (scene) => tcc(scene, { timeoutToFailMs: -1 }),
    },
    xa: {
      ...optionsOf(xa),
      gid: (scene) => xa(scene, { gid: LONG }),
      timeoutToFailMs: (scene) => xa(scene, { timeoutToFailMs: -1 }),
    },
    workflow: {
      retryIntervalMs: (scene) => workflow(scene, { retryIntervalMs: -1 }, { name: 'w1' }),
      requestTimeoutMs: (scene) => workflow(scene, { requestTimeoutMs: -1 }, { name: 'w2' }),
      branchHeaders: (scene) => workflow(scene, { branchHeaders: { [LONG.repeat(50)]: '1' } }, { name: 'w3' }),
      gid: (scene) => workflow(scene, {}, { name: 'w4', gid: LONG }),
      name: (scene) => workflow(scene, {}, { name: LONG }),
      input: [
        (scene) => workflow(scene, {}, { name: 'w5', input: HUGE }),
        async ({ hf, workflowOptions }) => {
          const twice = hf.workflow('w6', { version: 1, ...workflowOptions }, () => 1);
          await twice.run(1, { gid: 'twice' });
          await twice.run(2, { gid: 'twice' });
        },
      ],
      callbackUrl: (scene) => workflow(scene, { callbackUrl: BAD_URL }, { name: 'w7' }),
    },
  },
  registerBranch: {
    tcc: {
      confirm: ({ hf, ok }) => hf.tcc((tx) => tx.call({ try: ok, confirm: BAD_URL, cancel: ok })),
      cancel: ({ hf, ok }) => hf.tcc((tx) => tx.call({ try: ok, confirm: ok, cancel: BAD_URL })),
      payload: ({ hf, ok }) => hf.tcc((tx) => tx.call({ try: ok, confirm: ok, cancel: ok, payload: HUGE })),
    },
    xa: { url: ({ hf }) => hf.xa((tx) => tx.call({ url: BAD_URL })) },
  },
  listTransactions: {
    any: {
      gid: list({ gid: LONG }),
      status: list({ status: 'done' as 'failed' }),
      pattern: list({ pattern: 'sage' as 'saga' }),
      attention: list({ attention: 'maybe' as unknown as boolean }),
      createdFromMs: list({ createdFromMs: -1 }),
      createdToMs: list({ createdToMs: -1 }),
      cursor: list({ cursor: 'none' }),
      limit: list({ limit: -1 }),
    },
  },
  getTransaction: { any: { gid: ({ hf }) => hf.wait(LONG) } },
  abortTransaction: {
    any: {
      gid: ({ hf }) => hf.abort(LONG),
      reason: async (scene) => {
        await message(scene, {});
        return scene.hf.abort('g', { reason: LONG });
      },
    },
  },
  retryTransaction: { any: { gid: ({ hf }) => hf.retry(LONG) } },
  listTopics: {
    any: { cursor: ({ hf }) => hf.topics.list({ cursor: '\ud800' }), limit: ({ hf }) => hf.topics.list({ limit: -1 }) },
  },
  subscribe: {
    any: {
      topic: ({ hf, ok }) => hf.topics.subscribe(LONG, ok),
      branch: ({ hf }) => hf.topics.subscribe('paid', BAD_URL),
      remark: ({ hf, ok }) => hf.topics.subscribe('paid', ok, { remark: LONG }),
    },
  },
  unsubscribe: {
    any: {
      topic: ({ hf, ok }) => hf.topics.unsubscribe(LONG, ok),
      branch: async ({ hf, ok }) => {
        await hf.topics.subscribe('paid', ok);
        await hf.topics.unsubscribe('paid', 'http://other/');
      },
    },
  },
  deleteTopic: { any: { topic: ({ hf }) => hf.topics.delete(LONG) } },
};

/** Fields whose values the SDK checks itself, before it sends them. */
const CHECKED_BEFORE: readonly string[] = [
  'registerBranch workflow name',
  'registerBranch workflow result',
  'finishWorkflow any result',
];

/** The table's names for the application, as `operation pattern name`. */
const NAMED = new Set(
  Object.entries(SDK_FIELDS).flatMap(([operation, byPattern]) =>
    Object.entries<SdkFields>(byPattern).flatMap(([pattern, fields]) =>
      Object.entries(fields).flatMap(([field, name]) =>
        name === 'own' ? [] : [`${operation} ${pattern} ${name === 'same' ? field : name}`],
      ),
    ),
  ),
);

/** An error names the option, parameter or method of the SDK, not the field of the request. */
export function fieldNamesSuite(harness: SdkHarness): void {
  const groups = Object.entries(PROVOCATIONS).flatMap(([operation, byPattern]) =>
    Object.entries(byPattern).map(([pattern, provocations]) => ({ operation, pattern, provocations })),
  );

  describe('a rejected request', () => {
    it.each(groups)('names each field as the SDK does: $operation $pattern', async ({ provocations }) => {
      const { hf, branches, workflowOptions } = await harness.start({ ok: () => undefined });
      const scene = { hf, ok: branches.ok, workflowOptions };
      for (const [name, provoke] of Object.entries(provocations)) {
        for (const each of [provoke].flat()) {
          const { field = '', message: text } = rejectionIn(await thrownBy(each(scene)));
          expect([shapeOf(field), text.startsWith(`${field}: `)]).toEqual([name, true]);
        }
      }
    });

    it('has been provoked for every name of the SDK', () => {
      const provoked = groups.flatMap(({ operation, pattern, provocations }) =>
        Object.keys(provocations).map((name) => `${operation} ${pattern} ${name}`),
      );
      expect([...provoked, ...CHECKED_BEFORE].toSorted()).toEqual([...NAMED].toSorted());
    });
  });
}

/** The field without what is below it: a name that the caller chose, such as that of a header. */
const shapeOf = (field: string): string =>
  field.replaceAll(/\[\d+\]/g, '[]').replace(/^branchHeaders.*/, 'branchHeaders');

const thrownBy = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

/** The rejection, also of a call that made a first phase fail. */
function rejectionIn(thrown: unknown): RequestRejected {
  if (thrown instanceof RequestRejected) return thrown;
  if (thrown instanceof Error && thrown.cause !== undefined) return rejectionIn(thrown.cause);
  throw new Error('nothing was rejected', { cause: thrown });
}
