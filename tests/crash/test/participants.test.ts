import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../src/fault.ts';
import { readLines, type JournalLine } from '../src/journal.ts';
import { ParticipantsClient } from '../src/participants-client.ts';
import { startParticipants } from '../src/participants-process.ts';
import { participantUrls } from '../src/participant-urls.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * Calls an action `calls` times on a new participants process. Returns the responses that the
 * caller received, and the journal.
 */
async function callAction(fault: Fault, calls: number): Promise<{ heard: string[]; journal: string[] }> {
  const path = join(temporaryFolder(), 'journal');
  const participants = await startParticipants(path, 'http://127.0.0.1:9');
  const client = new ParticipantsClient(1, 200);
  onTestFinished(() => client.close());
  const branch = { branchId: '01', account: 'account-1', amount: 5, faults: { action: fault } };
  const url = participantUrls(participants.origin).ownCall('x', branch, 'action');
  const heard: string[] = [];
  for (let call = 0; call < calls; call++) heard.push(await client.post(url, branch));
  await participants.stop();
  return { heard, journal: readLines<JournalLine>(path).map(({ line }) => describeLine(line)) };
}

function describeLine(line: JournalLine): string {
  switch (line.kind) {
    case 'call':
      return line.madeFor === `${line.gid} ${line.branchId} ${line.op}` ? 'call' : 'misrouted';
    case 'commit':
      return line.effect === null ? line.skipped : 'effect';
    case 'response':
      return line.result;
  }
}

describe('a participant', () => {
  it('writes call, effect and response to the journal before it responds', async () => {
    const { heard, journal } = await callAction({ kind: 'none', times: 0, delayMs: 0 }, 1);
    expect(heard).toEqual(['success']);
    expect(journal).toEqual(['call', 'effect', 'success']);
  });

  it('returns FAILURE without an effect', async () => {
    const { heard, journal } = await callAction({ kind: 'refuse', times: 9, delayMs: 0 }, 1);
    expect(heard).toEqual(['failure']);
    expect(journal).toEqual(['call', 'failure']);
  });

  it.each(['unknown', 'ongoing'] as const)(
    'returns %s without an effect, and succeeds at the next call',
    async (kind) => {
      const { heard, journal } = await callAction({ kind, times: 1, delayMs: 0 }, 2);
      expect(heard).toEqual(['unknown', 'success']);
      expect(journal).toEqual(['call', kind, 'call', 'effect', 'success']);
    },
  );

  it('does the work and loses the response', async () => {
    const { heard, journal } = await callAction({ kind: 'lost', times: 1, delayMs: 0 }, 2);
    expect(heard).toEqual(['unknown', 'success']);
    expect(journal).toEqual(['call', 'effect', 'lost', 'call', 'repeated', 'success']);
  });

  it('does the work and responds after the caller has timed out', async () => {
    const { heard, journal } = await callAction({ kind: 'slow', times: 1, delayMs: 600 }, 1);
    expect(heard).toEqual(['unknown']);
    expect(journal).toEqual(['call', 'effect', 'success']);
  });

  it('does the work after the caller has timed out, unless a repeated call has done it', async () => {
    const { heard, journal } = await callAction({ kind: 'late', times: 1, delayMs: 600 }, 2);
    expect(heard).toEqual(['unknown', 'success']);
    expect(journal).toEqual(['call', 'call', 'effect', 'success', 'repeated', 'success']);
  });
});
