import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Bank } from '../src/bank.ts';
import type { Fault } from '../src/fault.ts';
import { startGrpcParticipants } from '../src/grpc-participants.ts';
import { readLines, type JournalLine } from '../src/journal.ts';
import { ParticipantsClient } from '../src/participants-client.ts';
import { createParticipants } from '../src/participants.ts';
import { participantUrls } from '../src/participant-urls.ts';
import type { Protocol } from '../src/plan.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * Calls an action `calls` times on new participants. Returns the responses that the caller
 * received, and the journal.
 */
async function callAction(
  protocol: Protocol,
  fault: Fault,
  calls: number,
): Promise<{ heard: string[]; journal: string[] }> {
  const path = join(temporaryFolder(), 'journal');
  const bank = new Bank(path);
  const parts = { bank, initiator: noWorkflows };
  const participants = createParticipants(parts);
  await once(participants.server.listen(0, '127.0.0.1'), 'listening');
  const overGrpc = await startGrpcParticipants(parts);
  const client = new ParticipantsClient(1, 200);
  onTestFinished(() => client.close());

  const { port } = participants.server.address() as AddressInfo;
  const urls = participantUrls({ origin: `http://127.0.0.1:${port}`, grpcAddress: `127.0.0.1:${overGrpc.port}` });
  const branch = { branchId: '01', account: 'account-1', amount: 5, protocol, faults: { action: fault } };
  const heard: string[] = [];
  for (let call = 0; call < calls; call++) heard.push(await client.post(urls.ownCall('x', branch, 'action'), branch));
  await Promise.all([participants.close(), overGrpc.close()]);
  bank.close();
  const lines = readLines<JournalLine>(path).map(({ line }) => line);
  expect(lines.every((line) => line.kind !== 'call' || line.protocol === protocol)).toBe(true);
  return { heard, journal: lines.map(describeLine) };
}

function noWorkflows(): never {
  throw new Error('no workflow is run');
}

function describeLine(line: JournalLine): string {
  switch (line.kind) {
    case 'call':
      if (line.from !== '127.0.0.1') return line.from;
      return line.madeFor === `${line.gid} ${line.branchId} ${line.op}` ? 'call' : 'misrouted';
    case 'commit':
      return line.effect === null ? line.skipped : 'effect';
    case 'response':
      return line.result;
    case 'unverified':
      return `unverified: ${line.reason}`;
  }
}

describe.each(['http', 'grpc'] as const)('a participant over %s', (protocol) => {
  it('writes call, effect and response to the journal before it responds', async () => {
    const { heard, journal } = await callAction(protocol, { kind: 'none', times: 0, delayMs: 0 }, 1);
    expect(heard).toEqual(['success']);
    expect(journal).toEqual(['call', 'effect', 'success']);
  });

  it('returns FAILURE without an effect', async () => {
    const { heard, journal } = await callAction(protocol, { kind: 'refuse', times: 9, delayMs: 0 }, 1);
    expect(heard).toEqual(['failure']);
    expect(journal).toEqual(['call', 'failure']);
  });

  it.each(['unknown', 'ongoing'] as const)(
    'returns %s without an effect, and succeeds at the next call',
    async (kind) => {
      const { heard, journal } = await callAction(protocol, { kind, times: 1, delayMs: 0 }, 2);
      expect(heard).toEqual(['unknown', 'success']);
      expect(journal).toEqual(['call', kind, 'call', 'effect', 'success']);
    },
  );

  it('does the work and loses the response', async () => {
    const { heard, journal } = await callAction(protocol, { kind: 'lost', times: 1, delayMs: 0 }, 2);
    expect(heard).toEqual(['unknown', 'success']);
    expect(journal).toEqual(['call', 'effect', 'lost', 'call', 'repeated', 'success']);
  });

  it('does the work and responds after the caller has timed out', async () => {
    const { heard, journal } = await callAction(protocol, { kind: 'slow', times: 1, delayMs: 600 }, 1);
    expect(heard).toEqual(['unknown']);
    expect(journal).toEqual(['call', 'effect', 'success']);
  });

  it('does the work after the caller has timed out, unless a repeated call has done it', async () => {
    const { heard, journal } = await callAction(protocol, { kind: 'late', times: 1, delayMs: 600 }, 2);
    expect(heard).toEqual(['unknown', 'success']);
    expect(journal).toEqual(['call', 'call', 'effect', 'success', 'repeated', 'success']);
  });
});
