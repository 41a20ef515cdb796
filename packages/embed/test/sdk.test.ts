import { describe } from 'vitest';
import { SDK_SUITES } from '@holdfast/testing/sdk-suites';
import { embedHarness } from './support/embed-harness.ts';

describe('embedded', () => {
  for (const suite of SDK_SUITES) suite(embedHarness);
});
