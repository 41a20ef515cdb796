import { rmSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { BROKEN_SDKS } from '../../src/chaos/broken-sdks.ts';
import type { ChaosOptions } from '../../src/chaos/chaos-options.ts';
import { describeChaos } from '../../src/chaos/chaos-report.ts';
import { type DatabaseName, DATABASES, ISOLATIONS } from '../../src/chaos/databases/chaos-database.ts';
import { isInnocent, runChaos } from '../../src/chaos/run-chaos.ts';
import { type Patch, withPatchedBuild } from '../../src/patched-build.ts';

const SERVERS: Readonly<Record<DatabaseName, string>> = {
  postgres: 'postgres',
  mysql: 'mariadbd',
  redis: 'redis-server',
};

/** Short: `npm run participant-chaos` does more of everything. */
const SHORT: Omit<ChaosOptions, 'database' | 'isolation'> = {
  seconds: 10,
  seed: 12,
  rate: 25,
  settleSeconds: 180,
  keep: false,
};

async function chaos(options: ChaosOptions, patches: readonly Patch[] = []) {
  const build = withPatchedBuild(...patches);
  onTestFinished(() => build.dispose());
  const result = await runChaos(options, build, () => undefined);
  const { folder } = result;
  if (folder !== undefined) onTestFinished(() => rmSync(folder, { recursive: true }));
  return { result, report: describeChaos(options, result) };
}

for (const database of DATABASES)
  describeWith([SERVERS[database]], `participants on ${database} under every kind of fault`, () => {
    it.each(ISOLATIONS[database])(
      '%s: each effect is there once or never, as its transaction ended',
      async (isolation) => {
        const { result, report } = await chaos({ ...SHORT, database, isolation });
        expect(isInnocent(result), report).toBe(true);
        // A run in which nothing happens would be innocent, too.
        const statuses = result.cases.map(({ status }) => status);
        expect(statuses.filter((status) => status === 'succeed').length, report).toBeGreaterThan(20);
        expect(statuses.filter((status) => status === 'failed').length, report).toBeGreaterThan(20);
      },
    );
  });

describeWith(Object.values(SERVERS), 'the chaos run convicts an SDK with the fault', () => {
  it.each(BROKEN_SDKS)('$name: $wrong', async ({ database, patches, leadsTo }) => {
    const [isolation] = ISOLATIONS[database];
    // Not patient: what is broken stays unfinished.
    const { result, report } = await chaos({ ...SHORT, database, isolation, settleSeconds: 8 }, patches);
    const found = result.violations.filter(({ kind }) => leadsTo.includes(kind));
    expect(found, report).not.toEqual([]);
  });
});
