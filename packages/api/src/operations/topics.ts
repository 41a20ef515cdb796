import { acceptTopic, TOPICS } from '@holdfast/core/engine';
import { HoldfastError, type TOPIC_OPERATIONS } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import { writeTopics } from '../v1/write-topics.ts';
import type { ImplementationsOf } from './implementation.ts';

export const topicOperations = (handlers: Handlers): ImplementationsOf<typeof TOPIC_OPERATIONS> => ({
  async listTopics(context, { query: { limit, cursor } }) {
    const page = await handlers.scanKeyValues(context, {
      category: TOPICS,
      limit: limit || DEFAULT_PAGE_SIZE,
      ...defined({ cursor: cursor || undefined }),
    });
    return { items: await writeTopics(page.items), next: page.next };
  },

  async describeTopic(context, { topic }) {
    acceptTopic(topic);
    const stored = await handlers.queryKeyValue(context, { category: TOPICS, key: topic });
    const [described] = stored === undefined ? [] : await writeTopics([stored]);
    if (described === undefined)
      throw new HoldfastError('not_found', `there is no topic ${topic}`, { field: ['topic'] });
    return described;
  },

  async subscribe(context, { topic, body: { url, remark = '' } }) {
    await handlers.subscribe(context, { topic, url, remark });
  },

  async unsubscribe(context, { topic, query: { url } }) {
    await handlers.unsubscribe(context, { topic, url });
  },

  async deleteTopic(context, { topic }) {
    await handlers.deleteTopic(context, topic);
  },
});
