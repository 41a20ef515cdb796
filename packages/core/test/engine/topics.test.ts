import { LIMITS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { Topics, TOPICS } from '../../src/engine/topics.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { message, saga } from '../patterns/support/definitions.ts';

const NS = 'default';

function setUp() {
  const store = new MemoryStore(() => 1_700_000_000_000);
  const topics = new Topics(store);
  const stored = (topic: string) => store.kvGet({ namespace: NS, category: TOPICS, key: topic });
  return { store, topics, stored };
}

const subscriber = (url: string) => ({ url, remark: `remark of ${url}` });

const topicStep = (topic: string) => ({ action: `topic://${topic}`, compensate: '' });

describe('subscriptions', () => {
  it('are kept as JSON text of url and remark, with a version that grows by one', async () => {
    const { topics, stored } = setUp();
    await topics.subscribe(NS, 't', subscriber('http://a'));
    await topics.subscribe(NS, 't', subscriber('http://b'));
    const kept = await stored('t');
    expect(JSON.parse(kept?.value ?? '')).toEqual([subscriber('http://a'), subscriber('http://b')]);
    expect(kept?.version).toBe(2);
    await topics.unsubscribe(NS, 't', 'http://a');
    expect(await stored('t')).toMatchObject({ version: 3, value: JSON.stringify([subscriber('http://b')]) });
  });

  it('are all kept when many subscribe at once', async () => {
    const { topics, stored } = setUp();
    const urls = Array.from({ length: 8 }, (_, i) => `http://s/${i}`);
    await Promise.all(urls.map((url) => topics.subscribe(NS, 't', subscriber(url))));
    const kept = JSON.parse((await stored('t'))?.value ?? '') as { url: string }[];
    expect(kept.map(({ url }) => url).sort()).toEqual(urls);
  });

  it('belong to their namespace', async () => {
    const { topics } = setUp();
    await topics.subscribe('one', 't', subscriber('http://a'));
    await expect(topics.unsubscribe('two', 't', 'http://a')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('name what is wrong with a request', async () => {
    const { topics } = setUp();
    await topics.subscribe(NS, 't', subscriber('http://a'));
    const refused = [
      [topics.subscribe(NS, '', subscriber('http://a')), 'invalid', 'topic'],
      [topics.subscribe(NS, 'x'.repeat(LIMITS.topicLength + 1), subscriber('http://a')), 'invalid', 'topic'],
      [topics.subscribe(NS, 't', subscriber('')), 'invalid', 'url'],
      [topics.subscribe(NS, 't', subscriber('x'.repeat(LIMITS.urlLength + 1))), 'invalid', 'url'],
      [topics.subscribe(NS, 't', subscriber('http://a')), 'refused', 'url'],
      [topics.unsubscribe(NS, '', 'http://a'), 'invalid', 'topic'],
      [topics.unsubscribe(NS, 't', ''), 'invalid', 'url'],
      [topics.unsubscribe(NS, 't', 'http://b'), 'not_found', 'url'],
      [topics.unsubscribe(NS, 'u', 'http://a'), 'not_found', 'topic'],
      [topics.remove(NS, ''), 'invalid', 'topic'],
      [topics.remove(NS, 'u'), 'not_found', 'topic'],
    ] as const;
    for (const [promise, code, field] of refused) await expect(promise).rejects.toMatchObject({ code, field: [field] });
  });

  it('are rejected when their URL has *** instead of a secret, as in lists', async () => {
    const { topics, stored } = setUp();
    for (const url of ['http://***@mail/a', 'http://mail/a?token=***', 'http://mail/a?key=***&x=1'])
      await expect(topics.subscribe(NS, 't', subscriber(url))).rejects.toMatchObject({
        code: 'invalid',
        field: ['url'],
        message: expect.stringContaining('give the URL with its secrets') as string,
      });
    expect(await stored('t')).toBe(undefined);
    for (const url of ['http://mail/***/a', 'http://mail/a?mask=a***b', 'http://mail/a@***'])
      await topics.subscribe(NS, 't', subscriber(url));
  });

  it('end when their URL is given as lists show it', async () => {
    const { topics, stored } = setUp();
    const urls = ['http://u:p@mail/a', 'http://mail/a?token=hunter2&x=1', 'http://mail/b', 'http://***/c'];
    for (const url of urls) await topics.subscribe(NS, 't', subscriber(url));
    for (const url of ['http://***@mail/a', 'http://mail/a?token=***&x=1', 'http://***/c'])
      await topics.unsubscribe(NS, 't', url);
    expect(JSON.parse((await stored('t'))?.value ?? '')).toEqual([subscriber('http://mail/b')]);
  });

  it('are limited in number', async () => {
    const { store, topics } = setUp();
    const full = Array.from({ length: LIMITS.topicSubscribers }, (_, i) => subscriber(`http://s/${i}`));
    await store.kvPut({ namespace: NS, category: TOPICS, key: 't' }, JSON.stringify(full), 0);
    await expect(topics.subscribe(NS, 't', subscriber('http://more'))).rejects.toMatchObject({ code: 'too_large' });
  });

  it('are gone with their topic', async () => {
    const { topics, stored } = setUp();
    await topics.subscribe(NS, 't', subscriber('http://a'));
    await topics.remove(NS, 't');
    expect(await stored('t')).toBe(undefined);
  });
});

describe('the topics of a message', () => {
  it('become their subscribers as they are now', async () => {
    const { topics } = setUp();
    await topics.subscribe(NS, 't', subscriber('http://a'));
    const definition = { ...message(2), steps: [topicStep('t'), { action: 'http://direct', compensate: '' }] };
    const before = await topics.resolve(NS, 'g', definition);
    await topics.subscribe(NS, 't', subscriber('http://b'));
    const after = await topics.resolve(NS, 'g', definition);
    expect(before.steps).toEqual([{ ...topicStep('t'), subscribers: ['http://a'] }, definition.steps[1]]);
    expect(after.steps[0]?.subscribers).toEqual(['http://a', 'http://b']);
  });

  it('lose the coordinator’s parameters, which the previous version accepted in the URL of a subscriber', async () => {
    const { store, topics } = setUp();
    const value = JSON.stringify([{ url: 'http://a/?gid=42&shop=7', remark: '' }]);
    await store.kvPut({ namespace: NS, category: TOPICS, key: 't' }, value, 0);
    const resolved = await topics.resolve(NS, 'g', { ...message(1), steps: [topicStep('t')] });
    expect(resolved.steps[0]?.subscribers).toEqual(['http://a/?shop=7']);
  });

  it('are rejected with the step when they have no subscribers', async () => {
    const { topics } = setUp();
    await topics.subscribe(NS, 'empty', subscriber('http://a'));
    await topics.unsubscribe(NS, 'empty', 'http://a');
    for (const topic of ['unknown', 'empty']) {
      const definition = { ...message(2), steps: [{ action: 'http://a', compensate: '' }, topicStep(topic)] };
      await expect(topics.resolve(NS, 'g', definition)).rejects.toMatchObject({
        code: 'invalid',
        field: ['steps', 1, 'action'],
        gid: 'g',
      });
    }
  });

  it('must not have more subscribers together than a message may have branches', async () => {
    const { store, topics } = setUp();
    const urls = Array.from({ length: LIMITS.topicSubscribers }, (_, i) => subscriber(`http://s/${i}`));
    await store.kvPut({ namespace: NS, category: TOPICS, key: 'news' }, JSON.stringify(urls), 0);
    const most = LIMITS.messageBranches / LIMITS.topicSubscribers;
    const definition = (count: number) => ({
      ...message(count),
      steps: Array.from({ length: count }, () => topicStep('news')),
    });
    expect((await topics.resolve(NS, 'g', definition(most))).steps).toHaveLength(most);
    await expect(topics.resolve(NS, 'g', definition(20))).rejects.toMatchObject({
      code: 'too_large',
      field: ['steps', most, 'action'],
      message: `with the 200 subscribers of topic news the message has 1200 branches; at most 1000 are allowed`,
    });
  });

  it('are read once each', async () => {
    const { store, topics } = setUp();
    await topics.subscribe(NS, 't', subscriber('http://a'));
    let reads = 0;
    const counting = new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (name === 'kvGet') reads++;
          return member.apply(target, args) as unknown;
        };
      },
    });
    const steps = Array.from({ length: 1_000 }, () => topicStep('t'));
    await new Topics(counting).resolve(NS, 'g', { ...message(1_000), steps });
    expect(reads).toBe(1);
  });

  it('leave other definitions as they are, without a query to the store', async () => {
    const { topics } = setUp();
    for (const definition of [message(2), saga(2)]) expect(await topics.resolve(NS, 'g', definition)).toBe(definition);
  });
});
