import { describe } from 'vitest';
import { HEALTHY } from './convict.ts';
import { wholeCrashTest } from './whole-crash-test.ts';

describe('a coordinator that is killed ten times under load', () => {
  wholeCrashTest(HEALTHY);
});
