import { embed } from '@holdfast/embed';
import { onTestFinished } from 'vitest';
import { DEFAULT_SDK_OPTIONS, type SdkHarness } from '@holdfast/testing/sdk-suites';
import { SILENT } from './silent.ts';

/** A coordinator in this process, on the store in memory, with functions as branches. */
export const embedHarness: SdkHarness = {
  name: 'embed',
  oddGid: 'a b?c#d%e/ü',
  async start(branches, options = {}) {
    const { waitTimeoutMs, store = 'memory:', ...engine } = { ...DEFAULT_SDK_OPTIONS, ...options };
    const hf = await embed({ store, branches, waitTimeoutMs, engine, drainMs: 0, logger: SILENT });
    onTestFinished(() => hf.close());
    return { hf, branches: hf.branches, workflowOptions: {} };
  },
};
