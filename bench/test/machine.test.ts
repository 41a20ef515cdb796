import { describe, expect, test } from 'vitest';
import { parseMachineTicks, shareOfOthers } from '../src/machine/others.ts';
import { parseCpuSeconds, parseCpuSecondsWithChildren, parseRssAnonMb } from '../src/machine/process-figures.ts';

describe("a process's figures", () => {
  const stat = '4242 (no de) S) S 1 4242 4242 0 -1 4194304 900 0 0 0 150 50 20 5 20 0 11 0 77 1000 200';

  test('CPU time is user and system time, whatever the program is called', () => {
    expect(parseCpuSeconds(stat)).toBe(2);
  });

  test('the CPU time of exited children is included on request', () => {
    expect(parseCpuSecondsWithChildren(stat)).toBe(2.25);
  });

  test('memory is the anonymous part alone', () => {
    const status = 'VmRSS:\t  204800 kB\nRssAnon:\t  102400 kB\nRssFile:\t  102400 kB\n';
    expect(parseRssAnonMb(status)).toBe(100);
    expect(parseRssAnonMb('Name:\tkthreadd\n')).toBeUndefined();
  });
});

describe("the machine's time", () => {
  const ticks = (user: number, idle: number, stolen: number) =>
    parseMachineTicks(`cpu  ${user} 0 0 ${idle} 0 0 0 ${stolen} 0 0\ncpu0 1 1 1 1\n`);

  test('the share of other processes is the busy time without the benchmark, plus the time that the hypervisor took', () => {
    expect(shareOfOthers(ticks(100, 100, 0), ticks(160, 120, 20), 50)).toBeCloseTo(0.3);
  });

  test('the share of other processes is 0 when only the benchmark ran, although its own clock is slightly ahead', () => {
    expect(shareOfOthers(ticks(0, 0, 0), ticks(50, 50, 0), 51)).toBe(0);
    expect(shareOfOthers(ticks(5, 5, 5), ticks(5, 5, 5), 0)).toBe(0);
  });
});
