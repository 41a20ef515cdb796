import type { Tool } from '../tool.ts';
import type { LoadGenerator } from './load.ts';
import { nodeLoad } from './node-load.ts';
import { wrkLoad } from './wrk-load.ts';

/**
 * Chooses wrk if it is installed, so that the load costs little compared with the subject;
 * otherwise Node.
 */
export function chooseLoad(tool: Tool<'wrk'>): LoadGenerator {
  const wrk = tool === 'node' ? undefined : wrkLoad();
  if (tool === 'wrk' && wrk === undefined) throw new Error('wrk is not installed: install it, or use --load node');
  return wrk ?? nodeLoad();
}
