import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Bank } from './bank.ts';
import { createParticipants } from './participants.ts';
import { WorkflowInitiator } from './workflow-initiator.ts';

/**
 * The participants' process: `node participants-main.js JOURNAL COORDINATOR`. Prints its port, and
 * ends when its standard input does.
 */
const [journalPath, coordinatorOrigin] = process.argv.slice(2);
if (journalPath === undefined || coordinatorOrigin === undefined)
  throw new Error('usage: participants-main.js JOURNAL COORDINATOR');

const bank = new Bank(journalPath);
const participants = createParticipants(bank, () => initiator);
participants.server.listen(0, '127.0.0.1');
await once(participants.server, 'listening');
const { port } = participants.server.address() as AddressInfo;
const initiator = new WorkflowInitiator(coordinatorOrigin, `http://127.0.0.1:${port}`);
console.log(port);

await once(process.stdin.resume(), 'end');
await participants.close();
bank.close();
// Workflows that still wait for a callback would keep the process alive, but no coordinator will
// call.
process.exit(0);
