import * as diagnostics from 'node:diagnostics_channel';
import { startServer } from '@holdfast/server';
import { expect, it } from 'vitest';
import { BranchServer } from '@holdfast/testing/participant';

it.each([
  ['own', 0],
  ['undici', 1],
] as const)(
  'branches are called by the client that the option branchClient names: %s',
  async (branchClient, byUndici) => {
    await using participant = await BranchServer.start();
    const server = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, branchClient });
    let sent = 0;
    const onSent = (message: unknown): void => {
      if ((message as { request: { path: string } }).request.path.startsWith('/debit')) sent++;
    };
    diagnostics.subscribe('undici:request:create', onSent);
    try {
      const steps = [{ action: `${participant.url}/debit`, payload: { amount: 30 } }];
      const response = await fetch(`${server.url}/api/v1/transactions?waitMs=20000`, {
        method: 'POST',
        body: JSON.stringify({ gid: 'g', pattern: 'saga', steps }),
      });
      expect(await response.json()).toMatchObject({ status: 'succeed' });
    } finally {
      diagnostics.unsubscribe('undici:request:create', onSent);
      await server.close();
    }
    expect(participant.seen).toMatchObject([{ method: 'POST', body: '{"amount":30}' }]);
    expect(sent).toBe(byUndici);
  },
);
