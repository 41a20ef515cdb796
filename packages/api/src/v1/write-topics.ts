import type { KeyValue } from '@holdfast/core/store';
import { type TopicPage, withoutSecrets } from '@holdfast/protocol';
import { turns } from '@holdfast/branches/event-loop';

type Topic = TopicPage['items'][number];
type Subscriber = Topic['subscribers'][number];

/**
 * Topics for display. A topic is stored as the JSON text of its subscribers; secrets in their URLs
 * and remarks are hidden. The texts of a page may be long, so other events are handled in between.
 */
export async function writeTopics(stored: readonly KeyValue[]): Promise<Topic[]> {
  const topics: Topic[] = [];
  for (const { key, version, value } of stored) {
    if (turns.isSpent) await turns.next();
    const subscribers: Subscriber[] = [];
    for (const { url, remark } of JSON.parse(value) as Topic['subscribers']) {
      if (turns.isSpent) await turns.next();
      subscribers.push({ url: withoutSecrets(url), remark: withoutSecrets(remark) });
    }
    topics.push({ topic: key, version, subscribers });
  }
  return topics;
}
