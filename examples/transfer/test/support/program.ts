import { fileURLToPath } from 'node:url';
import { type Captured, captureChild } from '@holdfast/testing/servers';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The program as a newcomer runs it, in a separate process. */
export const runMain = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Captured> =>
  captureChild(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'], ...env } });

/** The rows of the table at the end, with columns separated by one space. */
export function tableRows(output: string): readonly string[] {
  const [, table = ''] = output.split('── What is left ');
  const lines = table.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '));
  return lines.filter((line) => line.includes('→') && !line.startsWith('pattern'));
}
