import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Bank } from './bank.ts';
import { startGrpcParticipants } from './grpc-participants.ts';
import { addressesOf } from './participant-urls.ts';
import { createParticipants } from './participants.ts';
import { readSettings } from './secured/participants-security.ts';
import { WorkflowInitiator } from './workflow-initiator.ts';

/**
 * The participants' process:
 * `node participants-main.js JOURNAL COORDINATOR COORDINATOR-GRPC [SETTINGS]`. With settings it is
 * secured. Prints its ports for HTTP and gRPC, and ends when its standard input does.
 */
const [journalPath, origin, grpcAddress, settingsPath] = process.argv.slice(2);
if (journalPath === undefined || origin === undefined || grpcAddress === undefined)
  throw new Error('usage: participants-main.js JOURNAL COORDINATOR COORDINATOR-GRPC [SETTINGS]');

const bank = new Bank(journalPath);
const secured = settingsPath === undefined ? undefined : readSettings(settingsPath);
const parts = { bank, initiator: () => initiator, ...(secured !== undefined && { secured }) };
const participants = createParticipants(parts);
const grpcParticipants = await startGrpcParticipants(parts);
participants.server.listen(0, '127.0.0.1');
await once(participants.server, 'listening');
const { port } = participants.server.address() as AddressInfo;
for (const one of [port, grpcParticipants.port]) secured?.calls.acceptHost(`127.0.0.1:${one}`);
const initiator = new WorkflowInitiator(
  { origin, grpcAddress },
  addressesOf(port, grpcParticipants.port, secured !== undefined),
  secured,
);
console.log(`${port} ${grpcParticipants.port}`);

await once(process.stdin.resume(), 'end');
await Promise.all([participants.close(), grpcParticipants.close()]);
bank.close();
// Workflows that still wait for a callback would keep the process alive, but no coordinator will
// call.
process.exit(0);
