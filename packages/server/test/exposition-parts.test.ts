import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { partsOf } from '../src/metrics/exposition.ts';

async function textOf(register: Registry): Promise<string> {
  let text = '';
  for await (const part of partsOf(register)) text += part;
  return text;
}

describe('the metrics in parts', () => {
  it('are the text of the library', async () => {
    const register = new Registry();
    new Counter({ name: 'calls_total', help: 'calls', labelNames: ['op'], registers: [register] }).inc({ op: 'a' }, 2);
    new Histogram({ name: 'seconds', help: 'time', registers: [register] }).observe(0.3);
    expect(await textOf(register)).toBe(await register.metrics());
  });

  it('are the text of the library when there is no metric', async () => {
    const register = new Registry();
    expect(await textOf(register)).toBe(await register.metrics());
  });

  it('are converted only when they are requested', async () => {
    let collected = 0;
    const register = new Registry();
    for (const name of ['one', 'two'])
      register.registerMetric(new Counter({ name, help: name, registers: [], collect: () => void collected++ }));
    const parts = partsOf(register);
    await parts.next();
    expect(collected).toBe(1);
    await parts.return(undefined);
    expect(collected).toBe(1);
  });
});
