import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { BrokenBuild } from '../src/broken-builds.ts';
import type { RunOptions } from '../src/options.ts';
import { withPatchedBuild } from '../src/patched-build.ts';
import type { Plan } from '../src/plan.ts';
import { countKinds, describeResult } from '../src/report.ts';
import { runCrashTest, type RunResult } from '../src/run.ts';

export const CLI = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));

export const HEALTHY: RunOptions = {
  store: 'lmdb',
  nodes: 1,
  pauses: 0,
  databaseKills: 0,
  faults: 0,
  heartbeatMs: 500,
  silenceMs: 2_000,
  seconds: 20,
  kills: 10,
  seed: 48,
  rate: 100,
  clients: 100,
  settleSeconds: 60,
  secured: false,
  keep: false,
};

/** Short, and not patient: what is broken stays unfinished. */
const BROKEN: RunOptions = { ...HEALTHY, seconds: 6, kills: 3, settleSeconds: 4 };

/** What the crash test finds in a build that is broken on purpose, of what its fault leads to. */
export async function convict(
  { patches, leadsTo, secured = false }: BrokenBuild,
  more: Partial<RunOptions> = {},
): Promise<{
  readonly guiltyOf: readonly string[];
  /** Plans of the transactions with a violation. */
  readonly plans: readonly Plan[];
  readonly report: string;
}> {
  const build = withPatchedBuild(...patches);
  onTestFinished(() => build.dispose());
  const options = { ...BROKEN, secured, ...more };
  const result = await runCrashTest(options, build.cliPath, () => undefined);
  if (result.folder !== undefined) rmSync(result.folder, { recursive: true });
  const found = Object.keys(countKinds(result));
  return {
    guiltyOf: found.filter((kind) => leadsTo.some((one) => one === kind)),
    plans: plansOf(result),
    report: describeResult(options, result),
  };
}

function plansOf({ evidence, judged }: RunResult): readonly Plan[] {
  const guilty = new Set(judged.flatMap(({ gid, violations }) => (violations.length > 0 ? [gid] : [])));
  return evidence.notes.flatMap(({ line }) => (line.kind === 'planned' && guilty.has(line.gid) ? [line.plan] : []));
}
