import { appendCases } from './append-cases.ts';
import { byteCases } from './byte-cases.ts';
import { claimCases } from './claim-cases.ts';
import { crashCases } from './crash-cases.ts';
import { damageCases } from './damage-cases.ts';
import { formatCases } from './format-cases.ts';
import { casesFor, type StoreSuiteOptions } from './harness.ts';
import { keyCases } from './key-cases.ts';
import { keyValueCases } from './key-value-cases.ts';
import { laterVersionCases } from './later-version-cases.ts';
import { lifeCycleCases } from './life-cycle-cases.ts';
import { listCases } from './list-cases.ts';
import { propertyCases } from './property-cases.ts';
import { readCases } from './read-cases.ts';
import { lockCases } from './lock-cases.ts';
import { purgeCases } from './purge-cases.ts';
import { sessionCases } from './session-cases.ts';
import { timeCases } from './time-cases.ts';
import { writeCases } from './write-cases.ts';

/**
 * The suite that every store driver must pass. Call it in a test file with the functions of your
 * test runner. Features that the manifest does not declare are skipped; everything else must hold.
 */
export function storeSuite(options: StoreSuiteOptions): void {
  options.test.describe(`${options.name} store`, () => {
    const cases = casesFor(options);
    for (const group of GROUPS) group(cases);
  });
}

const GROUPS = [
  lifeCycleCases,
  writeCases,
  readCases,
  keyCases,
  appendCases,
  claimCases,
  sessionCases,
  lockCases,
  listCases,
  byteCases,
  keyValueCases,
  purgeCases,
  timeCases,
  formatCases,
  laterVersionCases,
  damageCases,
  crashCases,
  propertyCases,
];
