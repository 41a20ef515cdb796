import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { sourceAliases } from './tools/src/source-aliases.ts';
import { TotalReporter } from './tools/src/total-reporter.ts';

/** Tests that take minutes: not in `npm test`. */
const LONG = '**/*.long.test.ts';

export default defineConfig({
  resolve: {
    // Tests run against the sources; only processes that a test spawns run the built files.
    alias: sourceAliases(fileURLToPath(new URL('./', import.meta.url))),
  },
  test: {
    reporters: ['default', new TotalReporter({ skipFails: process.env['HOLDFAST_TEST_REQUIRE'] === 'all' })],
    pool: 'forks',
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'in-process',
          include: [
            'packages/*/test/**/*.test.ts',
            '{tests/simulator,tests/model-checker,tests/docs,testing,tools}/test/**/*.test.ts',
          ],
          exclude: [LONG],
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // These start coordinators, services and databases and judge how fast things happen: alone,
        // one after the other.
        extends: true,
        test: {
          name: 'processes',
          include: ['examples/*/test/**/*.test.ts', '{tests/crash,tests/interop,bench,deploy}/test/**/*.test.ts'],
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
          name: 'long',
          include: [LONG],
          exclude: ['**/node_modules/**'],
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
