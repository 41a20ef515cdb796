import type { TopicPage } from '@holdfast/protocol';
import type { Answer, Api } from './api/api.ts';
import { urlOf } from './branch-declaration.ts';
import type { CallOptions } from './options.ts';

/**
 * Topics: a message's step `topic://NAME` is sent to everyone who subscribes NAME when the message
 * is created.
 */
export interface Topics {
  /**
   * Adds a subscriber, and the topic with its first. Subscribed already: nothing changes, the
   * remark included, so that a service may subscribe at each start.
   *
   * @param remark for people
   * @throws {RequestRejected} a name or URL cannot be, or the topic is full
   */
  subscribe(
    topic: string,
    branch: string | { readonly url: string },
    options?: CallOptions & { readonly remark?: string },
  ): Promise<void>;
  /**
   * Takes a subscriber away; the topic stays. @throws {RequestRejected} `not_found`: it does not
   * subscribe the topic
   */
  unsubscribe(topic: string, branch: string | { readonly url: string }, options?: CallOptions): Promise<void>;
  /**
   * Takes a topic away with its subscribers. @throws {RequestRejected} `not_found`: there is none
   */
  delete(topic: string, options?: CallOptions): Promise<void>;
  /** One page of topics with their subscribers; `next` is the cursor of the page behind it. */
  list(query?: { readonly cursor?: string; readonly limit?: number }, options?: CallOptions): Promise<TopicPage>;
}

/** The topics of a coordinator. */
export const topicsOf = (api: Api): Topics => ({
  async subscribe(topic, branch, { remark = '', signal } = {}) {
    const answer = await api.subscribe({ topic, body: { url: urlOf(branch), remark } }, { signal });
    if (!answer.ok && answer.rejection.rejection !== 'refused') throw answer.rejection;
  },

  async unsubscribe(topic, branch, { signal } = {}) {
    goneOrThrow(await api.unsubscribe({ topic, query: { url: urlOf(branch) } }, { signal }));
  },

  async delete(topic, { signal } = {}) {
    goneOrThrow(await api.deleteTopic({ topic }, { signal }));
  },

  async list(query = {}, { signal } = {}) {
    const answer = await api.listTopics({ query }, { signal });
    if (answer.ok) return answer.value;
    throw answer.rejection;
  },
});

/** What is not found by a repetition was taken away by the call whose answer was lost. */
function goneOrThrow(answer: Answer<void>): void {
  if (answer.ok || (answer.repeated && answer.rejection.rejection === 'not_found')) return;
  throw answer.rejection;
}
