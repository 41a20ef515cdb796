import { DEFAULT_ENGINE_OPTIONS, NO_OPTIONS } from '../../../src/engine/index.ts';
import type { Definition, Step } from '../../../src/patterns/index.ts';

export const POLICY = DEFAULT_ENGINE_OPTIONS;
export const KEY = { namespace: 'default', gid: 'g1' };
export const CREATED_AT_MS = 1_700_000_000_000;

const EMPTY: Omit<Definition, 'pattern'> = {
  protocol: 'http',
  steps: [],
  payloads: [],
  customData: '',
  queryPrepared: '',
  options: NO_OPTIONS,
  orders: {},
  workflowName: '',
  workflowData: new Uint8Array(0),
};

type Options = Partial<Definition['options']>;

const stepAt = (index: number): Step => ({ action: `http://a/${index}`, compensate: `http://c/${index}` });

/** A saga of `count` steps. */
export function saga(count: number, options: Options = {}, orders: Definition['orders'] = {}): Definition {
  const steps = Array.from({ length: count }, (_, i) => stepAt(i));
  const payloads = steps.map((_, i) => Buffer.from(`payload ${i}`));
  return { ...EMPTY, pattern: 'saga', steps, payloads, options: { ...NO_OPTIONS, ...options }, orders };
}

/** A message of `count` steps, with a check-back URL. */
export function message(count: number, options: Options = {}): Definition {
  const steps = Array.from({ length: count }, (_, i) => ({ action: `http://a/${i}`, compensate: '' }));
  const payloads = steps.map((_, i) => Buffer.from(`payload ${i}`));
  return {
    ...EMPTY,
    pattern: 'msg',
    steps,
    payloads,
    queryPrepared: 'http://client/check',
    options: { ...NO_OPTIONS, ...options },
  };
}

/** A tcc or xa; its branches are registered later. */
export const twoPhase = (pattern: 'tcc' | 'xa', options: Options = {}): Definition => ({
  ...EMPTY,
  pattern,
  options: { ...NO_OPTIONS, ...options },
});

export const workflow = (options: Options = {}): Definition => ({
  ...EMPTY,
  pattern: 'workflow',
  workflowName: 'transfer',
  queryPrepared: 'http://client/workflow',
  options: { ...NO_OPTIONS, ...options },
});
