import { setImmediate } from 'node:timers';
import { expect, it } from 'vitest';
import { writeTopics } from '../../src/index.ts';

const topic = (key: string, urls: readonly string[]) => ({
  namespace: 'default',
  category: 'topics',
  key,
  value: JSON.stringify(urls.map((url) => ({ url, remark: `password=hunter2 ${url}` }))),
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
});

it('other events have their turns while a long page of topics is written', async () => {
  const url = (n: number): string => `http://h/?i=${n}@${'a://a:a'.repeat(280)}`;
  const urls = Array.from({ length: 200 }, (_, n) => url(n));
  const stored = Array.from({ length: 20 }, (_, n) => topic(`t${n}`, urls));
  let turns = 0;
  let isWritten = false;
  const count = (): void => {
    if (isWritten) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  const topics = await writeTopics(stored);
  isWritten = true;
  expect(topics).toHaveLength(20);
  expect(turns).toBeGreaterThan(1);
});

it('secrets in the URLs and remarks of subscribers are not shown', async () => {
  const [shown] = await writeTopics([topic('t', ['http://teller:hunter2@mail/a'])]);
  const url = 'http://***@mail/a';
  expect(shown).toEqual({
    topic: 't',
    version: 1,
    subscribers: [{ url, remark: `password=*** ${url}` }],
  });
});
