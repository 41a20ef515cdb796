import { z } from 'zod';
import { topic, topicPage } from '../api-v1.ts';
import { subscriberRequest } from '../api-v1-status.ts';
import type { Operation } from './operation.ts';
import { paging } from './paging.ts';

/** Operations on topics. */
export const TOPIC_OPERATIONS = {
  listTopics: {
    summary: 'Lists topics with their subscribers.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/topics',
    query: paging,
    result: topicPage,
    mayBeLong: true,
  },
  describeTopic: {
    summary: 'Reads one topic with its subscribers and its version.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/topics/:topic',
    result: topic,
    mayBeLong: true,
  },
  subscribe: {
    summary: 'Adds a subscriber to a topic, and the topic with its first subscriber.',
    kind: 'command',
    role: 'submitter',
    audited: true,
    method: 'PUT',
    path: '/topics/:topic/subscribers',
    body: subscriberRequest,
  },
  unsubscribe: {
    summary: 'Removes a subscriber from a topic.',
    kind: 'command',
    role: 'submitter',
    audited: true,
    method: 'DELETE',
    path: '/topics/:topic/subscribers',
    query: z.object({ url: z.string() }),
  },
  deleteTopic: {
    summary: 'Deletes a topic with its subscribers.',
    kind: 'operator',
    role: 'operator',
    audited: true,
    method: 'DELETE',
    path: '/topics/:topic',
  },
} as const satisfies Readonly<Record<string, Operation>>;
