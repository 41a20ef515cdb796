import { throwingDependencies } from './support/throwing-suite.ts';

/** Methods that are called hundreds of times. */
const PARTS: Readonly<Record<string, number>> = {
  'clock.monotonicMs': 4,
  'clock.wallMs': 2,
  'clock.setTimer': 2,
  'store.write': 2,
};

throwingDependencies({ mostCalls: Infinity, parts: (method) => PARTS[method] ?? 1 });
