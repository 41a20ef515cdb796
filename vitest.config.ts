import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { sourceAliases } from './tools/src/source-aliases.ts';
import { TotalReporter } from './tools/src/total-reporter.ts';

/** Tests that take minutes: not in `npm test`. */
const LONG = '**/*.long.test.ts';

/** Tests of code without I/O, timers and global state. */
const PURE = 'packages/{protocol,core}/test/**/*.test.ts';

/**
 * Tests that replace timers under the code's own shared state, or assert what happens once in a
 * process. The files of `pure` and of `in-process` share workers, each of which loads the packages
 * once instead of once per file.
 */
const ISOLATED = [
  'packages/branches/test/{event-loop/*,http1/dial}.test.ts',
  'packages/client/test/{barrier/unguarded-action,workflow-heartbeat}.test.ts',
  'packages/server/test/{plain-connections,send-parts}.test.ts',
];

/** Tests that judge how fast things happen under load: one file after the other. */
const PROCESSES = [
  'tests/crash/test/{crash,database-faults}.test.ts',
  'tests/crash/test/**/participants.test.ts',
  'bench/test/{closed-loop,grpc-load}.test.ts',
];

/**
 * How many files run at a time of those that mostly wait: for databases, for processes that start,
 * for limits that pass.
 */
const WAITING = 3;

/**
 * Long tests that need the whole machine: those that disturb many processes under load and judge
 * how fast they react, and those that measure throughput.
 */
const LONG_ALONE = [
  '{bench,tests/crash}/test/**/*.long.test.ts',
  'deploy/test/nginx-under-load.long.test.ts',
  'packages/cli/test/cluster/{audit,nodes,tokens}.long.test.ts',
  'packages/client/test/sender-crash.long.test.ts',
  'tests/mixed-version/test/added-column.long.test.ts',
];

/**
 * Long tests that stop clocks, heartbeats, connections or whole processes and measure the reaction.
 * They use little of the machine, so that they run beside each other, but not beside tests that
 * keep it busy.
 */
const LONG_WAITING = [
  'packages/branches/test/grpc/hostile-participant.long.test.ts',
  'packages/cli/test/cluster/{frozen-*,reload,watch,workers}.long.test.ts',
  'packages/cli/test/serve/store-away.long.test.ts',
  'packages/client/test/{workflow-crash,workflow-heartbeat,xa-participant/killed}.long.test.ts',
  'packages/server/test/readiness/*.long.test.ts',
  'packages/store-*/test/{clock,garbled,session,stalled}.long.test.ts',
];

export default defineConfig({
  resolve: {
    // Tests run against the sources; only processes that a test spawns run the built files.
    alias: sourceAliases(fileURLToPath(new URL('./', import.meta.url))),
  },
  test: {
    reporters: ['default', new TotalReporter({ skipFails: process.env['HOLDFAST_TEST_REQUIRE'] === 'all' })],
    pool: 'forks',
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    globalSetup: fileURLToPath(new URL('./testing/src/global-setup.ts', import.meta.url)),
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: [PURE],
          exclude: [LONG],
          isolate: false,
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'in-process',
          include: [
            'packages/*/test/**/*.test.ts',
            '{bench,deploy,examples/*,testing,tests/*,tools}/test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', LONG, PURE, ...ISOLATED, ...PROCESSES],
          isolate: false,
          maxWorkers: WAITING,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'isolated',
          include: ISOLATED,
          maxWorkers: WAITING,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: PROCESSES,
          exclude: [LONG],
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // `npm run test:long`: what breaks the code on purpose, mistake by mistake.
        extends: true,
        test: {
          name: 'long-alone',
          include: LONG_ALONE,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long-waiting',
          include: LONG_WAITING,
          maxWorkers: WAITING,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [LONG],
          exclude: ['**/node_modules/**', ...LONG_ALONE, ...LONG_WAITING],
          maxWorkers: WAITING,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
