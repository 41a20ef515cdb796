import { describeWith } from '@holdfast/testing/describe-with';
import { HEALTHY } from './convict.ts';
import { wholeCrashTest } from './whole-crash-test.ts';

// Without authentication, TLS and signatures: `crash.test.ts`.
describeWith(['openssl'], 'a secured coordinator that is killed ten times under load', () => {
  wholeCrashTest({ ...HEALTHY, secured: true });
});
