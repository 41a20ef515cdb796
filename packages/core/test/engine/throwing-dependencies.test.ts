import { throwingDependencies } from './support/throwing-suite.ts';

// All calls: `throwing-dependencies.long.test.ts`.
throwingDependencies({ mostCalls: 8, parts: () => 1 });
