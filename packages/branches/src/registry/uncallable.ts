import { uncallable } from '@holdfast/protocol';
import { isHttpUrl } from '../http/http-target.ts';
import type { BranchProtocol, BranchTarget } from './branch-protocol.ts';

/**
 * URLs that no protocol of this version calls. The result of a call is UNKNOWN with the reason, and
 * a transaction with such a branch is rejected.
 */

const TOPIC_SCHEME = 'topic://';

/** A topic is replaced by its subscribers when a message is submitted, and is never called. */
export const topicUrl: BranchProtocol = {
  name: 'topic',
  matches: (url) => url.startsWith(TOPIC_SCHEME),
  parse: (url) => ({ destination: url }),
  admit: () => "only the action of a message's step can be a topic",
  call: ({ url }) => unknown(`a topic can only be the action of a message's step: ${url}`),
};

const NO_URL = 'neither host:port/package.Service/Method nor an http:// or https:// URL';

/** Every other text; matches all, and is therefore the last protocol. */
export const malformedUrl: BranchProtocol = {
  name: 'malformed',
  matches: () => true,
  parse: (url) => (isHttpUrl(url) ? { destination: '' } : beforeFirstSlash(url)),
  admit: () => NO_URL,
  call: ({ url }) => unknown(`not a URL that can be called: ${url}`),
};

function beforeFirstSlash(url: string): BranchTarget {
  return { destination: url.split('/', 1)[0] ?? '' };
}

const unknown = (reason: string) => Promise.resolve(uncallable(reason));
