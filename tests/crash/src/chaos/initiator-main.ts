import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { connect, workflowCallback } from '@holdfast/client';
import { branch } from '@holdfast/client/node-http';
import { openLines } from '../journal.ts';
import { planOf } from './chaos-plan.ts';
import { openLedger } from './databases/open-ledger.ts';
import { Initiator } from './initiator.ts';
import type { ChaosLine } from './lines.ts';
import { readSettings } from './program-settings.ts';
import { StepWork } from './step-work.ts';

/** More are not begun while as many have not ended. */
const MOST_AT_WORK = 10;

/**
 * An initiator: begins transactions at its rate until it reads a line, and serves the callbacks of
 * workflows until its standard input ends. Prints a line when it is ready, and one when all that it
 * began has ended.
 */
const settings = readSettings();
const ledger = await openLedger(settings.ledger);
const lines = openLines<ChaosLine>(settings.linesPath);
const hf = connect(settings.coordinator, { retryForMs: 4_000, requestTimeoutMs: 4_000 });
const callbackUrl = `http://127.0.0.1:${settings.port}/workflows`;
const work = new StepWork(ledger, lines);
const initiator = new Initiator({ hf, ledger, work, callbackUrl, participants: settings.participants });

const callback = branch(workflowCallback(hf), { onError: () => undefined });
const server = createServer((request, response) => void callback(request, response));
server.listen(settings.port, '127.0.0.1');
await once(server, 'listening');

const atWork = new Set<Promise<void>>();
let next = settings.first;

async function begin(): Promise<void> {
  const number = next;
  next += settings.stride;
  const gid = `${settings.run}-${number}`;
  const plan = planOf(settings.seed, number, settings.ledger.database);
  lines.append({ kind: 'planned', gid, number, plan });
  lines.append({ kind: 'outcome', gid, ...(await initiator.run(gid, plan)) });
}

const timer = setInterval(() => {
  if (atWork.size >= MOST_AT_WORK) return;
  const one: Promise<void> = begin().finally(() => atWork.delete(one));
  atWork.add(one);
}, 1_000 / settings.rate);
const commands = createInterface({ input: process.stdin });
commands.once('line', () => {
  clearInterval(timer);
  void Promise.all(atWork).then(() => console.log('quiet'));
});
console.log('ready');

await once(commands, 'close');
process.exit(0);
