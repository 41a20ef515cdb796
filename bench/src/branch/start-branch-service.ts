import type { Cleanup } from '../processes/cleanup.ts';
import { Helper, portOf } from '../processes/helper.ts';
import type { Tool } from '../tool.ts';
import type { BranchService } from './branch-service.ts';
import { findNginx, startNginx } from './nginx-branch-service.ts';

/**
 * Starts the branch service: nginx if it is installed, so that it costs little compared with the
 * subject; otherwise Node.
 */
export async function startBranchService(
  tool: Tool<'nginx'>,
  folder: string,
  cleanup: Cleanup,
): Promise<BranchService> {
  const nginx = tool === 'node' ? undefined : findNginx();
  if (nginx !== undefined) return startNginx(nginx, folder, cleanup);
  if (tool === 'nginx') throw new Error('nginx is not installed: install it, or use --branch-service node');
  return startNode(cleanup);
}

async function startNode(cleanup: Cleanup): Promise<BranchService> {
  const helper = new Helper(new URL('./node-branch-main.js', import.meta.url));
  cleanup.add(() => helper.stop());
  const port = portOf(await helper.reply());
  return { name: 'our own (node:http)', origin: `http://127.0.0.1:${port}`, pid: helper.pid };
}
