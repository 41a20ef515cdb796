import type { AddressInfo } from 'node:net';
import { Bank } from './bank.ts';
import { createParticipants } from './participants.ts';

/** The participants' process: `node participants-main.js JOURNAL`. Prints its port, and ends when its standard input does. */
const journalPath = process.argv[2];
if (journalPath === undefined) throw new Error('usage: participants-main.js JOURNAL');

const bank = new Bank(journalPath);
const server = createParticipants(bank);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

// Calls that are still running end first: what they do belongs into the journal.
process.stdin.resume().on('end', () => {
  server.close(() => bank.close());
  server.closeIdleConnections();
});
