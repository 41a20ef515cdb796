import type { TopicPage } from '@holdfast/protocol';
import type { ApiResponse, Api } from './api/api.ts';
import { callEnd } from './api/call-end.ts';
import { urlOf } from './branch-declaration.ts';
import type { CallOptions } from './options.ts';

/**
 * Topics: a message's step `topic://NAME` is sent to every subscriber that topic NAME has when the
 * message is created.
 */
export interface Topics {
  /**
   * Adds a subscriber, and creates the topic with its first subscriber. For an existing subscriber
   * nothing changes, not even the remark, so that a service may subscribe at each start.
   *
   * @param remark a human-readable note
   * @throws {RequestRejected} a name or URL is invalid, or the topic is full
   */
  subscribe(
    topic: string,
    branch: string | { readonly url: string },
    options?: CallOptions & { readonly remark?: string },
  ): Promise<void>;
  /**
   * Removes a subscriber; the topic remains.
   *
   * @throws {RequestRejected} `not_found`: the topic has no such subscriber
   */
  unsubscribe(topic: string, branch: string | { readonly url: string }, options?: CallOptions): Promise<void>;
  /**
   * Deletes a topic with its subscribers.
   *
   * @throws {RequestRejected} `not_found`: there is no such topic
   */
  delete(topic: string, options?: CallOptions): Promise<void>;
  /** One page of topics with their subscribers; `next` is the cursor of the next page. */
  list(query?: { readonly cursor?: string; readonly limit?: number }, options?: CallOptions): Promise<TopicPage>;
}

/** The topics of a coordinator. */
export const topicsOf = (api: Api): Topics => ({
  async subscribe(topic, branch, { remark = '', ...options } = {}) {
    const response = await api.subscribe({ topic, body: { url: urlOf(branch), remark } }, callEnd(options));
    if (!response.ok && response.rejection.rejection !== 'refused') throw response.rejection;
  },

  async unsubscribe(topic, branch, options = {}) {
    goneOrThrow(await api.unsubscribe({ topic, query: { url: urlOf(branch) } }, callEnd(options)));
  },

  async delete(topic, options = {}) {
    goneOrThrow(await api.deleteTopic({ topic }, callEnd(options)));
  },

  async list(query = {}, options = {}) {
    const response = await api.listTopics({ query }, callEnd(options));
    if (response.ok) return response.value;
    throw response.rejection;
  },
});

/** If a repetition reports `not_found`, the call whose response was lost has deleted the object. */
function goneOrThrow(response: ApiResponse<void>): void {
  if (response.ok || (response.repeated && response.rejection.rejection === 'not_found')) return;
  throw response.rejection;
}
