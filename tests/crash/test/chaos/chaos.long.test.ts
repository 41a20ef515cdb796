import { rmSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { BROKEN_SDKS, convictionsOf } from '../../src/chaos/broken-sdks.ts';
import type { ChaosOptions } from '../../src/chaos/chaos-options.ts';
import { describeChaos } from '../../src/chaos/chaos-report.ts';
import { type DatabaseName, ISOLATIONS } from '../../src/chaos/databases/chaos-database.ts';
import { isInnocent, runChaos } from '../../src/chaos/run-chaos.ts';
import { type Patch, withPatchedBuild } from '../../src/patched-build.ts';

const SERVERS: Readonly<Record<DatabaseName, string>> = {
  postgres: 'postgres',
  mysql: 'mariadbd',
  redis: 'redis-server',
};

/**
 * Short, one per database: `npm run participant-chaos` has the other levels and does more of
 * everything.
 */
const SHORT: Omit<ChaosOptions, 'database' | 'isolation'> = {
  seconds: 10,
  seed: 12,
  rate: 12,
  settleSeconds: 180,
  untilAllFaults: true,
  keep: false,
};

/** Each database at its default level. */
const RUNS = [
  ['postgres', 'read committed'],
  ['mysql', 'repeatable read'],
  ['redis', 'scripts'],
] as const;

/** Not patient: what is broken stays unfinished. */
const CONVICTION = { ...SHORT, seconds: 6, settleSeconds: 5, untilAllFaults: false };

/**
 * Those of which each run has many violations; `npm run participant-chaos -- --broken all` has all.
 */
const CONVICTED = ['repeats', 'rows-apart', 'redis-repeats'];

async function chaos(options: ChaosOptions, patches: readonly Patch[] = []) {
  const build = withPatchedBuild(...patches);
  onTestFinished(() => build.dispose());
  const result = await runChaos(options, build, () => undefined);
  const { folder } = result;
  if (folder !== undefined) onTestFinished(() => rmSync(folder, { recursive: true }));
  return { result, report: describeChaos(options, result) };
}

for (const [database, isolation] of RUNS)
  describeWith([SERVERS[database]], `participants on ${database} (${isolation}) under every kind of fault`, () => {
    it('have each effect once or never, as the transaction ended; each pattern succeeds and fails', async () => {
      const { result, report } = await chaos({ ...SHORT, database, isolation });
      expect(isInnocent(result), report).toBe(true);
    });
  });

describeWith(Object.values(SERVERS), 'the chaos run convicts an SDK with the fault', () => {
  const sdks = BROKEN_SDKS.filter(({ name }) => CONVICTED.includes(name));

  it('which exists', () => expect(sdks.map(({ name }) => name).toSorted()).toEqual(CONVICTED.toSorted()));

  it.each(sdks)('$name: $wrong', async (broken) => {
    const { database, patches } = broken;
    const [isolation] = ISOLATIONS[database];
    const { result, report } = await chaos({ ...CONVICTION, database, isolation }, patches);
    expect(convictionsOf(broken, result.violations), report).not.toEqual([]);
  });
});
