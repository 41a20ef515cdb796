import { errorsOf, type LoadResult } from '../load/load.ts';
import { Helper } from '../processes/helper.ts';
import type { FillRequest } from './fill-request.ts';

const TIMEOUT_MS = 3_700_000;

/** Fills a store through its coordinator. */
export async function fill(request: FillRequest): Promise<void> {
  const helper = new Helper(new URL('./fill-main.js', import.meta.url), [JSON.stringify(request)]);
  try {
    const result = (await helper.reply(TIMEOUT_MS)) as LoadResult;
    if (errorsOf(result) > 0) throw new Error(`${errorsOf(result)} requests failed while the store was being filled`);
  } finally {
    await helper.stop();
  }
}
