import { once } from 'node:events';
import { createServer } from 'node:http';
import { type BranchCallContext, branch, checkBack } from '@holdfast/client/node-http';
import type { Barrier } from '@holdfast/client';
import { openLines } from '../journal.ts';
import type { Step } from './chaos-plan.ts';
import { openLedger } from './databases/open-ledger.ts';
import type { ChaosLine } from './lines.ts';
import { type ProgramSettings, readSettings } from './program-settings.ts';
import { StepWork } from './step-work.ts';

/**
 * A participant: serves branches behind the barrier and of XA, and the check-back of messages.
 * Prints a line when it is ready.
 */
const settings: ProgramSettings = readSettings();
const ledger = await openLedger(settings.ledger);
const work = new StepWork(ledger, openLines<ChaosLine>(settings.linesPath));

const serve = (barrier: Barrier<unknown>) =>
  branch(async (call: BranchCallContext<Step | undefined>) => work.run(barrier, call, call.payload), {
    onError: () => undefined,
  });

const routes: Readonly<Record<string, ReturnType<typeof branch>>> = {
  '/branch': serve(ledger.barrier),
  '/check': checkBack(ledger.barrier, { onError: () => undefined }),
  ...(ledger.xa === undefined ? {} : { '/xa': serve(ledger.xa) }),
};

const server = createServer((request, response) => {
  const route = routes[(request.url ?? '').split('?', 1)[0] ?? ''];
  if (route === undefined) response.writeHead(404).end();
  else void route(request, response);
});
server.listen(settings.port, '127.0.0.1');
await once(server, 'listening');
console.log('ready');

await once(process.stdin.resume(), 'end');
process.exit(0);
