import { describe, expect, it } from 'vitest';
import { BROKEN_BUILDS } from '../src/broken-builds.ts';
import { convict } from './convict.ts';

describe('the crash test convicts a coordinator with the fault', () => {
  it.each(BROKEN_BUILDS.filter(({ rare, shared }) => !rare && !shared))('$name: $wrong', async (build) => {
    const { guiltyOf, report } = await convict(build);
    expect(guiltyOf, report).not.toEqual([]);
  });
});
