import type { Coordinator } from '@holdfast/core';
import { acceptTopic, TOPICS } from '@holdfast/core/engine';
import { HoldfastError, type TOPIC_OPERATIONS } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { DEFAULT_PAGE_SIZE } from '../reading/query-reader.ts';
import { writeTopics } from '../v1/write-topics.ts';
import type { ImplementationsOf } from './implementation.ts';

export const topicOperations = (coordinator: Coordinator): ImplementationsOf<typeof TOPIC_OPERATIONS> => ({
  async listTopics(context, { query: { limit, cursor } }) {
    const page = await coordinator.scanKeyValues(context, {
      category: TOPICS,
      limit: limit || DEFAULT_PAGE_SIZE,
      ...defined({ cursor: cursor || undefined }),
    });
    return { items: await writeTopics(page.items), next: page.next };
  },

  async describeTopic(context, { topic }) {
    acceptTopic(topic);
    const stored = await coordinator.queryKeyValue(context, { category: TOPICS, key: topic });
    const [described] = stored === undefined ? [] : await writeTopics([stored]);
    if (described === undefined)
      throw new HoldfastError('not_found', `there is no topic ${topic}`, { field: ['topic'] });
    return described;
  },

  async subscribe(context, { topic, body: { url, remark = '' } }) {
    await coordinator.subscribe(context, { topic, url, remark });
  },

  async unsubscribe(context, { topic, query: { url } }) {
    await coordinator.unsubscribe(context, { topic, url });
  },

  async deleteTopic(context, { topic }) {
    await coordinator.deleteTopic(context, topic);
  },
});
