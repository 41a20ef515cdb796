import { callCases } from './call-cases.ts';
import { barrierCasesFor, type BarrierSuiteOptions } from './harness.ts';
import { messageCases } from './message-cases.ts';
import { raceCases } from './race-cases.ts';

/**
 * The suite that every branch barrier must pass, whatever its database. Call it in a test file with
 * the functions of your test runner.
 */
export function barrierSuite<Tx>(options: BarrierSuiteOptions<Tx>): void {
  options.test.describe(`${options.name} barrier`, () => {
    const cases = barrierCasesFor(options);
    for (const group of [callCases, messageCases, raceCases]) group(cases);
  });
}
