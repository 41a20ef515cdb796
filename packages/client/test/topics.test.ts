import { describe, expect, it } from 'vitest';
import { withCoordinator } from './support/with-coordinator.ts';

const MAIL_URL = 'http://mail/send';

describe('topics', () => {
  it('are changed once when the response was lost', async () => {
    const { coordinator, hf } = await withCoordinator();
    coordinator.faults.push('lost-response');
    await hf.topics.subscribe('paid', MAIL_URL, { remark: 'mail' });
    expect(coordinator.requests[0]).toMatchObject({ method: 'PUT', body: { url: MAIL_URL, remark: 'mail' } });
    coordinator.faults.push('lost-response');
    await hf.topics.unsubscribe('paid', MAIL_URL);
    expect(coordinator.topics.get('paid')?.size).toBe(0);
    coordinator.faults.push('lost-response');
    await hf.topics.delete('paid');
    expect(coordinator.topics.size).toBe(0);
    expect(coordinator.requests).toHaveLength(6);
  });

  it('that do not exist are reported as missing', async () => {
    const { hf } = await withCoordinator();
    await expect(hf.topics.unsubscribe('paid', MAIL_URL)).rejects.toMatchObject({ rejection: 'not_found' });
    await expect(hf.topics.delete('paid')).rejects.toMatchObject({ rejection: 'not_found' });
  });
});
