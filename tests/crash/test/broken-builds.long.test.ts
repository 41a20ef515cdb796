import { describeWith } from '@holdfast/testing/describe-with';
import { describe, expect, it } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { isGrpcOnly, protocolsOf } from '../src/plan-protocols.ts';
import { convict } from './convict.ts';

describe('the crash test convicts a coordinator with the fault', () => {
  it.each(BROKEN_BUILDS.filter(({ rare, shared, secured }) => !rare && !shared && secured !== true))(
    '$name: $wrong',
    async (build) => {
      const { guiltyOf, plans, report } = await convict(build);
      expect(guiltyOf, report).not.toEqual([]);
      // A run convicts few transactions of the second one, and only those with gRPC branches.
      if (build.name === 'refusal-is-success') expect(plans.some(isGrpcOnly), report).toBe(true);
      if (build.name === 'any-status-is-success')
        expect(
          plans.some((plan) => protocolsOf(plan).includes('grpc')),
          report,
        ).toBe(true);
    },
  );
});

describeWith(['openssl'], 'the crash test convicts a secured coordinator with the fault', () => {
  it.each(BROKEN_BUILDS.filter(({ secured }) => secured))('$name: $wrong', async (build) => {
    const { guiltyOf, report } = await convict(build);
    expect(guiltyOf, report).not.toEqual([]);
  });
});
