import { describe, expect, it } from 'vitest';
import { renderTimeline } from '../src/output/timeline.ts';
import type { TimelineLine } from '@holdfast/protocol';
import { callAt, detailsOf, START_MS, statusAt, lineAt } from './support/details.ts';

const PLAIN = { colour: false, width: 100 } as const;
const lines = (text: string) => text.split('\n');

describe('a timeline', () => {
  it('of a success lists the calls with their times and durations', () => {
    const details = detailsOf({
      status: 'succeed',
      finishedAtMs: START_MS + 12,
      timeline: [
        statusAt(0, 'submitted'),
        callAt(4, '01 action', 'SUCCESS'),
        callAt(8, '02 action', 'SUCCESS'),
        callAt(12, '03 action', 'SUCCESS'),
        statusAt(12, 'succeed'),
      ],
    });
    expect(lines(renderTimeline(details, PLAIN))).toEqual([
      'saga order-1  succeed',
      'created 2026-01-31 12:00:00Z, took 12 ms',
      '',
      '      0 ms  ● submitted',
      '      4 ms  ✓ 01 action  shop:80/stock/take     done in 2 ms',
      '      8 ms  ✓ 02 action  shop:80/payment/take   done in 2 ms',
      '     12 ms  ✓ 03 action  shop:80/delivery/take  done in 2 ms',
      '     12 ms  ● succeed',
    ]);
  });

  it('of a rollback has the failing branch, its reason once, and the compensations', () => {
    const rollbackReason = '{"dtm_result":"FAILURE","message":"the wallet holds 5.00"}';
    const details = detailsOf({
      status: 'failed',
      rollbackReason,
      finishedAtMs: START_MS + 20,
      timeline: [
        statusAt(0, 'submitted'),
        callAt(4, '01 action', 'SUCCESS'),
        callAt(8, '02 action', 'FAILURE', { reason: rollbackReason }),
        statusAt(8, 'aborting', rollbackReason),
        callAt(14, '02 compensate', 'SUCCESS'),
        callAt(20, '01 compensate', 'SUCCESS'),
        statusAt(20, 'failed'),
      ],
    });
    expect(lines(renderTimeline(details, PLAIN))).toEqual([
      'saga order-1  failed',
      'created 2026-01-31 12:00:00Z, took 20 ms',
      'rolled back; reason: the wallet holds 5.00',
      '',
      '      0 ms  ● submitted',
      '      4 ms  ✓ 01 action      shop:80/stock/take    done in 2 ms',
      '      8 ms  ✗ 02 action      shop:80/payment/take  refused: the wallet holds 5.00',
      '      8 ms  ● aborting',
      '     14 ms  ↩ 02 compensate  shop:80/payment/undo  done in 2 ms',
      '     20 ms  ↩ 01 compensate  shop:80/stock/undo    done in 2 ms',
      '     20 ms  ● failed',
    ]);
  });

  it('has the principal that created the transaction and the operator of each command', () => {
    const details = detailsOf({
      createdBy: 'shop\u001b[2J',
      timeline: [
        statusAt(0, 'submitted'),
        { ...lineAt(10, 'order', 'retry now'), by: 'bob' },
        { ...statusAt(20, 'aborting', 'aborted by alice'), by: 'alice' },
        { ...lineAt(30, 'order', 'force-stop'), by: 'carol' },
        { ...statusAt(30, 'failed', 'INC-42'), by: 'carol' },
      ],
    });
    const [, created, , ...rows] = lines(renderTimeline(details, PLAIN));
    expect(created).toMatch(/^created .* by shop/);
    expect(created).not.toContain('\u001b');
    expect(rows).toEqual([
      '      0 ms  ● submitted',
      '     10 ms  ▸ operator   retry now (by bob)',
      '     20 ms  ● aborting   aborted by alice',
      '     30 ms  ▸ operator   force-stop (by carol)',
      '     30 ms  ● failed     INC-42 (by carol)',
    ]);
  });

  it('has retries with their reasons, a takeover, operator commands, alerts, and the next event', () => {
    const details = detailsOf({
      attention: true,
      dueAtMs: START_MS + 20_000,
      timeline: [
        statusAt(0, 'submitted'),
        callAt(10, '01 action', 'UNKNOWN', { reason: 'connection refused', againMs: 300 }),
        callAt(320, '01 action', 'ONGOING', { reason: 'soon', attempt: 2, againMs: 1_500 }),
        lineAt(5_000, 'resumed', 'taken up again: its node crashed or went silent'),
        lineAt(6_000, 'order', 'retry now'),
        lineAt(7_000, 'alert', 'no progress after 3 attempts'),
        callAt(65_000, '01 action', 'SUCCESS', { attempt: 3 }),
      ],
    });
    expect(lines(renderTimeline(details, { ...PLAIN, nowMs: START_MS + 17_000 })).slice(2)).toEqual([
      'needs operator attention',
      '',
      '      0 ms  ● submitted',
      '     10 ms  ↻ 01 action  shop:80/stock/take  connection refused; again in 300 ms',
      '    320 ms  … 01 action  shop:80/stock/take  not done yet: soon; again in 1.5 s',
      '     5.0 s  » resumed    taken up again: its node crashed or went silent',
      '     6.0 s  ▸ operator   retry now',
      '     7.0 s  ! alert      no progress after 3 attempts',
      '  1 m 05 s  ✓ 01 action  shop:80/stock/take  done in 2 ms, attempt 3',
      '            · next       in 3.0 s',
    ]);
  });

  it('states whether the transaction is being driven, due, or parked until an operator retries it', () => {
    const last = (change: Parameters<typeof detailsOf>[0]) =>
      lines(
        renderTimeline(detailsOf({ timeline: [statusAt(0, 'submitted')], ...change }), { ...PLAIN, nowMs: START_MS }),
      ).at(-1);
    expect(last({})).toContain('now        in progress');
    expect(last({ dueAtMs: START_MS - 1 })).toContain('due now');
    expect(last({ parked: 'five crashes' })).toContain('holdfast retry order-1');
    expect(last({ status: 'succeed', finishedAtMs: START_MS })).toContain('submitted');
  });

  it('has the number of omitted entries at their place', () => {
    const timeline = [
      statusAt(0, 'submitted'),
      callAt(4, '01 action', 'UNKNOWN'),
      callAt(9_000, '01 action', 'SUCCESS'),
    ];
    const text = renderTimeline(
      detailsOf({ timeline: [...timeline, statusAt(9_000, 'succeed')], timelineOmitted: 17 }),
      PLAIN,
    );
    expect(lines(text)[5]).toBe('            ⋮            17 entries omitted');
  });

  it('fits the terminal, and keeps every word of a long reason', () => {
    const reason = 'word '.repeat(60) + 'x'.repeat(200);
    const timeline = [callAt(0, '01 action', 'UNKNOWN', { reason })];
    for (const width of [100, 80, 40]) {
      const text = renderTimeline(detailsOf({ timeline }), { ...PLAIN, width });
      const longest = Math.max(...lines(text).map((line) => line.length));
      expect(longest).toBeLessThanOrEqual(width);
      expect(text.match(/word/g)).toHaveLength(60);
      expect(text.match(/x/g)).toHaveLength(200);
    }
  });

  it('contains no control characters of participants', () => {
    const timeline = [callAt(0, '01 action', 'FAILURE', { reason: 'a\u001B[2Jb\r\nc\u0007' })];
    const text = renderTimeline(detailsOf({ gid: 'g\u001B]0;x', timeline }), PLAIN);
    expect(text).toContain('refused: a·[2Jb c·');
    // oxlint-disable-next-line no-control-regex -- the test searches for control characters
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
  });

  it('is coloured only on request', () => {
    const details = detailsOf({ timeline: [callAt(0, '01 action', 'SUCCESS')] });
    const plain = renderTimeline(details, PLAIN);
    const coloured = renderTimeline(details, { ...PLAIN, colour: true });
    expect(coloured).toContain('\u001B[32m✓ 01 action\u001B[0m');
    // oxlint-disable-next-line no-control-regex -- colours are control characters
    expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(plain);
  });

  it('uses the given names of participants', () => {
    const details = detailsOf({ timeline: [callAt(0, '01 action', 'SUCCESS')] });
    const nameOf = (url: string, op: string) => `${op} of ${new URL(url).pathname}`;
    expect(renderTimeline(details, { ...PLAIN, nameOf })).toContain('01 action  action of /stock/take  done');
  });
});

it('a line for several calls has their number and their duration', () => {
  const line = callAt(660, '00 action', 'UNKNOWN', { reason: 'connection refused', attempt: 12 });
  const timeline = [{ ...line, count: 12, firstAtMs: START_MS }] as TimelineLine[];
  const text = renderTimeline(detailsOf({ timeline }), { colour: false, width: 120 });
  expect(text).toMatch(/connection refused \(12 times in a row within 660 ms\)/);
});

describe('a force-stopped transaction', () => {
  const header = (change: Parameters<typeof detailsOf>[0]): string =>
    renderTimeline(detailsOf({ status: 'failed', stopped: 'by hand', ...change }), { colour: false, width: 120 });

  it('that was aborted before is not shown as rolled back', () => {
    const text = header({ rollbackReason: 'no stock' });
    expect(text).not.toContain('rolled back;');
    expect(text).toContain(
      'force-stopped by an operator: by hand\nits rollback was not completed; the reason of the rollback: no stock\n',
    );
  });

  it('whose record was damaged is not shown as free of remaining effects', () => {
    const text = header({ damaged: 'state: 3 bytes are too few' });
    expect(text).toContain('the effects of its branches are unknown; check each participant');
    expect(text).not.toContain('no effect of its branches remains');
  });
});
