import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { installedVersion } from '../processes/installed.ts';
import { own } from '../processes/owned.ts';
import { RESPONSE_TIMEOUT_SECONDS, type LoadGenerator, type LoadRequest, type LoadResult } from './load.ts';
import { sagaTail, SUBMIT_PATH, SUCCESS_MARK } from './saga.ts';
import { parseWrkOutput } from './wrk-output.ts';

const SCRIPT = fileURLToPath(new URL('../../lua/sagas.lua', import.meta.url));

/** wrk with one thread; undefined if it is not installed. */
export function wrkLoad(): LoadGenerator | undefined {
  const version = installedVersion('wrk', ['-v'], /^wrk (?:\w+\/)?(\d[\w.]*)/m);
  return version === undefined ? undefined : { name: `wrk ${version}`, run: runWrk };
}

async function runWrk(request: LoadRequest): Promise<LoadResult> {
  const child = spawn('wrk', wrkArguments(request), { stdio: ['ignore', 'pipe', 'pipe'] });
  own(child);
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return parseWrkOutput(output + complaints);
}

function wrkArguments({ target, branches, connections, seconds, gidPrefix, token }: LoadRequest): string[] {
  const settings = [
    `-t1`,
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    `${RESPONSE_TIMEOUT_SECONDS}s`,
    '-s',
    SCRIPT,
  ];
  return [
    ...settings,
    target,
    '--',
    gidPrefix,
    SUBMIT_PATH,
    sagaTail(branches),
    SUCCESS_MARK,
    ...(token === undefined ? [] : [token]),
  ];
}
