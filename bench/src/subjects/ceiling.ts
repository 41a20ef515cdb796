import type { Cleanup } from '../processes/cleanup.ts';
import { Helper, portOf } from '../processes/helper.ts';
import type { Subject } from './subject.ts';

/** Starts the ceiling. */
export async function startCeiling(cleanup: Cleanup): Promise<Subject> {
  const helper = new Helper(new URL('../ceiling/ceiling-main.js', import.meta.url));
  cleanup.add(() => helper.stop());
  const port = portOf(await helper.reply());
  return { name: 'ceiling', origin: `http://127.0.0.1:${port}`, pid: helper.pid };
}
