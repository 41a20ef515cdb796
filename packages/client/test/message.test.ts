import { describe, expect, it } from 'vitest';
import { withCoordinator } from './support/with-coordinator.ts';

const CREDIT_URL = 'http://bank-b/credit';
const CHECK_URL = 'http://bank-a/check';

describe('a message', () => {
  it('is sent at once with its delay', async () => {
    const { coordinator, hf } = await withCoordinator();
    await hf.message('m-1').step(CREDIT_URL, { amount: 30 }).step('topic://paid').delay(1_500).submit();
    expect(coordinator.requests[0]?.body).toEqual({
      gid: 'm-1',
      pattern: 'msg',
      steps: [{ action: CREDIT_URL, payload: { amount: 30 } }, { action: 'topic://paid' }],
      delayMs: 1_500,
    });
  });

  it('is prepared with its check-back, then submitted', async () => {
    const { coordinator, hf } = await withCoordinator();
    const message = await hf
      .message()
      .step(CREDIT_URL, { amount: 30 })
      .options({ timeoutToFailMs: 900 })
      .prepare(CHECK_URL);
    expect(coordinator.transactions.get(message.gid)).toMatchObject({ status: 'prepared', queryPrepared: CHECK_URL });
    await expect(message.submit()).resolves.toMatchObject({ status: 'submitted' });
    expect(coordinator.requests.at(-1)).toMatchObject({ path: `/api/v1/transactions/${message.gid}/submit` });
  });

  it('keeps its steps once it is prepared', async () => {
    const { hf } = await withCoordinator();
    const message = await hf.message().step(CREDIT_URL).prepare(CHECK_URL);
    expect(() => message.step(CREDIT_URL)).toThrow(TypeError);
    expect(() => message.delay(1)).toThrow(TypeError);
    expect(() => message.options({ retryIntervalMs: 1 })).toThrow(TypeError);
  });

  it('is prepared again when the response was lost', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('lost-response');
    const message = await hf.message().step(CREDIT_URL).prepare(CHECK_URL);
    expect(coordinator.requests).toHaveLength(2);
    expect(coordinator.transactions.get(message.gid)?.status).toBe('prepared');
  });

  it('counts as prepared if the check-back decided it before the repeated request arrived', async () => {
    const { coordinator, hf } = await withCoordinator({ retryForMs: 0 });
    coordinator.faults.push('lost-response');
    const message = hf.message().step(CREDIT_URL);
    await expect(message.prepare(CHECK_URL)).rejects.toMatchObject({ code: 'coordinator_unreachable' });
    coordinator.change(message.gid, { status: 'failed', rollbackReason: 'not committed' });
    await message.prepare(CHECK_URL);
    await expect(message.submit()).rejects.toMatchObject({ code: 'transaction_failed', reason: 'not committed' });
  });

  it('is submitted without an error when the check-back came first', async () => {
    const { coordinator, hf } = await withCoordinator();
    const message = await hf.message().step(CREDIT_URL).prepare(CHECK_URL);
    coordinator.change(message.gid, { status: 'succeed' });
    await expect(message.submit({ wait: true })).resolves.toMatchObject({ status: 'succeed' });
  });

  it('cannot be submitted when the coordinator does not know it', async () => {
    const { coordinator, hf } = await withCoordinator();
    const message = await hf.message().step(CREDIT_URL).prepare(CHECK_URL);
    coordinator.transactions.clear();
    await expect(message.submit()).rejects.toMatchObject({ rejection: 'not_found', gid: message.gid });
  });
});
