import { explore } from './explore.ts';
import { NO_FAULTS, type Scenario } from './scenario.ts';
const only = process.argv[2];
const base: Scenario[] = [
  { name: 'saga', pattern: 'saga', branches: 2, budget: { ...NO_FAULTS, refusals: 1, crashes: 1, store: 1 } },
  { name: 'saga3', pattern: 'saga', branches: 3, concurrent: true, budget: { ...NO_FAULTS, refusals: 1, calls: 1, crashes: 1 } },
  { name: 'msg', pattern: 'msg', branches: 2, budget: { ...NO_FAULTS, store: 1, crashes: 1, calls: 1 } },
  { name: 'tcc', pattern: 'tcc', branches: 2, budget: { ...NO_FAULTS, lateBranches: 1, store: 1, commands: 1 } },
  { name: 'xa', pattern: 'xa', branches: 2, budget: { ...NO_FAULTS, lateBranches: 1, crashes: 1, calls: 1 } },
  { name: 'workflow', pattern: 'workflow', branches: 2, budget: { ...NO_FAULTS, refusals: 1, store: 1 } },
];
for (const s of base.filter((s) => !only || s.name === only)) {
  const e = await explore(s, { states: 1e6, ms: Number(process.argv[3] ?? 10_000) });
  console.log(e.scenario, e.states, e.transitions, 'depth', e.depth, e.complete, e.tookMs + 'ms');
  if (e.violation) console.log(e.violation.violation, '\n  ' + e.violation.path.join('\n  '), '\n rest:\n  ' + e.violation.rest.join('\n  '));
}
