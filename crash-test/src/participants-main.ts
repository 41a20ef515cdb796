import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Bank } from './bank.ts';
import { createParticipants } from './participants.ts';

/** The participants' process: `node participants-main.js JOURNAL`. Prints its port, and ends when its standard input does. */
const journalPath = process.argv[2];
if (journalPath === undefined) throw new Error('usage: participants-main.js JOURNAL');

const bank = new Bank(journalPath);
const participants = createParticipants(bank);
participants.server.listen(0, '127.0.0.1');
await once(participants.server, 'listening');
console.log((participants.server.address() as AddressInfo).port);

await once(process.stdin.resume(), 'end');
await participants.close();
bank.close();
