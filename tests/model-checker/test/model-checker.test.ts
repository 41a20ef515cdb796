import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { canonical } from '../src/canonical.ts';
import { explore, follow } from '../src/explore.ts';
import { INVARIANTS } from '../src/invariants.ts';
import { describeExploration } from '../src/report.ts';
import { NO_FAULTS, type Scenario } from '../src/scenario.ts';
import { SMALL } from '../src/scenarios.ts';
import { runModelChecker } from './support/run-model-checker.ts';

const saga = (budget: Partial<Scenario['budget']> = {}): Scenario => ({
  name: 'saga',
  pattern: 'saga',
  branches: 2,
  budget: { ...NO_FAULTS, ...budget },
});

describe('the model checker', () => {
  it('reaches every state of the small scenarios and finds no violation', { timeout: 300_000 }, async () => {
    const explorations = await runModelChecker(['--small']);
    expect(explorations.flatMap(({ violation }) => violation ?? [])).toEqual([]);
    expect(explorations.filter(({ complete }) => complete)).toHaveLength(SMALL.length);
    expect(explorations.reduce((states, one) => states + one.states, 0)).toBeGreaterThan(1_000);
  });

  it('reaches the same states each time', async () => {
    const [first, second] = [
      await explore(saga({ refusals: 1 }), NO_LIMIT),
      await explore(saga({ refusals: 1 }), NO_LIMIT),
    ];
    expect(second).toEqual({ ...first, tookMs: second.tookMs });
  });

  it('merges states that differ only in the names of nodes, in times or in version numbers', async () => {
    const atA = await follow(saga(), ['client: submits at A']);
    const atB = await follow(saga(), ['client: submits at B']);
    expect(canonical(atB)).toBe(canonical(atA));
    const later = await follow(saga(), ['client: submits at A', '01 action of A: done']);
    expect(canonical(later)).not.toBe(canonical(atA));
    const flushed = await follow(saga(), ['client: submits at A', '01 action of A: done', 'A: writes progress']);
    expect(canonical(flushed)).not.toBe(canonical(later));
  });

  it('compensates both steps of a saga whose second action fails', async () => {
    const world = await follow(saga({ refusals: 1 }), [
      'client: submits at A',
      '01 action of A: done',
      '02 action of A: FAILURE',
      '02 compensate of A: done',
      '01 compensate of A: done',
    ]);
    expect(world.store.record?.status).toBe('failed');
    expect(world.participants.of('01')).toMatchObject({ did: 1, undid: 1 });
  });

  it('reports the invariant and the shortest path of a violation', async () => {
    const exploration = await explore(saga(), NO_LIMIT);
    const violation = { invariant: 'EFF2', detail: 'the effect is left' } as const;
    const path = ['client: submits at A', 'A crashes'];
    const text = describeExploration(saga(), {
      ...exploration,
      violation: { violation, path, rest: ['B: takes over'] },
    });
    expect(text).toContain(`EFF2: ${INVARIANTS.EFF2}`);
    expect(text).toContain('1. client: submits at A\n    2. A crashes');
    expect(text).toContain('B: takes over');
  });

  it('has every invariant explained in docs/correctness.md', () => {
    const text = readFileSync(fileURLToPath(new URL('../../../docs/correctness.md', import.meta.url)), 'utf8');
    const missing = Object.keys(INVARIANTS).filter((id) => !text.includes(`**${id}**`));
    expect(missing).toEqual([]);
  });
});

const NO_LIMIT = { states: Infinity, ms: Infinity };
