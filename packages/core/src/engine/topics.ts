import { type FieldPath, HoldfastError, LIMITS, shown, withoutCoordinates, withoutSecrets } from '@holdfast/protocol';
import type { BranchCaller } from '../environment.ts';
import type { Definition, Step } from '../patterns/model.ts';
import type { KeyValue, Store } from '../store/store.ts';
import { isStorable } from '../store/rules.ts';
import { acceptKeyText, TOPIC_PREFIX } from './accept.ts';
import { uncallable } from './errors.ts';

/** Category of the versioned key-values that hold topics. */
export const TOPICS = 'topics';

interface Subscriber {
  readonly url: string;
  readonly remark: string;
}

const MAX_ROUNDS = 20;
const NO_BYTES = new Uint8Array(0);

/**
 * Topics of messages, stored as versioned key-values: the JSON text of `[{url, remark}]`. A change
 * applies from the next transaction.
 */
export class Topics {
  readonly #store: Store;
  readonly #caller: Pick<BranchCaller, 'faultOf' | 'refusalOf'>;

  /** @param caller rejects the subscribers that a message could not be delivered to */
  constructor(store: Store, caller: Pick<BranchCaller, 'faultOf' | 'refusalOf'> = {}) {
    this.#store = store;
    this.#caller = caller;
  }

  /**
   * Adds a subscriber. Throws `invalid` (empty, too long, or in the form that lists show, without
   * its secrets), `refused` (already subscribed), `too_large`.
   */
  async subscribe(namespace: string, topic: string, subscriber: Subscriber): Promise<void> {
    requireName(topic, subscriber.url);
    requireWhole(subscriber.url);
    requireRemark(subscriber.remark);
    await this.#change(namespace, topic, (subscribers) => {
      if (subscribers?.some((s) => s.url === subscriber.url))
        throw new HoldfastError(
          'refused',
          `${withoutSecrets(subscriber.url)} is already subscribed to topic ${topic}`,
          {
            field: ['url'],
          },
        );
      if (subscribers !== undefined && subscribers.length >= LIMITS.topicSubscribers) {
        throw new HoldfastError(
          'too_large',
          `topic ${topic} already has ${subscribers.length} subscribers, the maximum; unsubscribe one first`,
          { field: ['topic'] },
        );
      }
      return [...(subscribers ?? []), subscriber];
    });
  }

  /**
   * Removes a subscriber, whose URL may have the form that lists show, without its secrets. Throws
   * `invalid` (empty), `not_found`, and `refused` if lists show several subscribers in that form.
   */
  async unsubscribe(namespace: string, topic: string, url: string): Promise<void> {
    requireName(topic, url);
    await this.#change(namespace, topic, (subscribers) => {
      if (subscribers === undefined) throw noSuchTopic(topic);
      const exact = subscribers.filter((s) => s.url === url);
      const meant = exact.length > 0 ? exact : shownAs(url, subscribers);
      const listed = withoutSecrets(url);
      if (meant.length === 0)
        throw new HoldfastError('not_found', `${listed} is not subscribed to topic ${topic}`, { field: ['url'] });
      if (meant.length > 1) {
        const fault = `topic ${topic} has ${meant.length} subscribers that lists show as ${listed}; give the URL with its secrets`;
        throw new HoldfastError('refused', fault, { field: ['url'] });
      }
      return subscribers.filter((s) => !meant.includes(s));
    });
  }

  /** Deletes a topic. Throws `invalid` (empty), `not_found`. */
  async remove(namespace: string, topic: string): Promise<void> {
    acceptTopic(topic);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const id = { namespace, category: TOPICS, key: topic };
      const stored = await this.#store.kvGet(id);
      if (stored === undefined) throw noSuchTopic(topic);
      if ((await this.#store.kvDelete(id, stored.version)) === 'applied') return;
    }
    throw contended(topic);
  }

  /**
   * Returns a message's definition with the subscribers of its topics. Throws `invalid` for a topic
   * without subscribers or with one that the message cannot be delivered to, `too_large` if the
   * topics have more subscribers than a message may have branches.
   */
  async resolve(namespace: string, gid: string, definition: Definition): Promise<Definition> {
    if (definition.pattern !== 'msg' || !definition.steps.some((step) => step.action.startsWith(TOPIC_PREFIX)))
      return definition;
    const known = new Map<string, readonly string[]>();
    const steps: Step[] = [];
    let branches = 0;
    for (const [index, step] of definition.steps.entries()) {
      const topic = step.action.startsWith(TOPIC_PREFIX) ? step.action.slice(TOPIC_PREFIX.length) : undefined;
      const field = (): FieldPath => ['steps', index, 'action'];
      if (topic === undefined) steps.push(step);
      else {
        const subscribers = known.get(topic) ?? (await this.#subscribersOf(namespace, topic, gid, field));
        known.set(topic, subscribers);
        steps.push({ ...step, subscribers });
      }
      branches += steps[index]?.subscribers?.length ?? 1;
      if (branches > LIMITS.messageBranches) {
        const added = topic === undefined ? 'one' : `the ${known.get(topic)?.length} subscribers of topic ${topic}`;
        const fault = `with ${added} the message has ${branches} branches; at most ${LIMITS.messageBranches} are allowed`;
        throw new HoldfastError('too_large', fault, { gid, field: field() });
      }
    }
    const resolved = { ...definition, steps };
    this.#assertDeliverable(namespace, gid, resolved);
    return resolved;
  }

  /**
   * A subscriber was checked without the message (its gid, its headers and its payload), and
   * possibly by other rules for targets.
   */
  #assertDeliverable(namespace: string, gid: string, definition: Definition): void {
    for (const [index, { action, subscribers = [] }] of definition.steps.entries()) {
      const contents = { ...definition, gid, payload: definition.payloads[index] ?? NO_BYTES };
      for (const url of subscribers) {
        const fault = this.#caller.faultOf?.(url, contents) ?? this.#caller.refusalOf?.(url, namespace);
        if (fault === undefined) continue;
        const reason = `topic ${action.slice(TOPIC_PREFIX.length)} has a subscriber that cannot be called: ${fault}`;
        throw uncallable(gid, ['steps', index, 'action'], reason, url);
      }
    }
  }

  async #subscribersOf(
    namespace: string,
    topic: string,
    gid: string,
    field: () => FieldPath,
  ): Promise<readonly string[]> {
    // A name that no store can keep has no subscribers.
    const isName = topic.length <= LIMITS.topicLength && isStorable(topic);
    const stored = isName ? await this.#store.kvGet({ namespace, category: TOPICS, key: topic }) : undefined;
    // The previous version accepted subscribers whose URLs contain the coordinator's query
    // parameters.
    const subscribers = stored === undefined ? [] : subscribersOf(stored).map((s) => withoutCoordinates(s.url));
    if (subscribers.length > 0) return subscribers;
    throw new HoldfastError('invalid', `topic ${shown(topic)} has no subscribers`, { gid, field: field() });
  }

  async #change(
    namespace: string,
    topic: string,
    change: (subscribers: readonly Subscriber[] | undefined) => readonly Subscriber[],
  ): Promise<void> {
    const id = { namespace, category: TOPICS, key: topic };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const stored = await this.#store.kvGet(id);
      const next = change(stored === undefined ? undefined : subscribersOf(stored));
      if ((await this.#store.kvPut(id, JSON.stringify(next), stored?.version ?? 0)) === 'applied') return;
    }
    throw contended(topic);
  }
}

const subscribersOf = (stored: KeyValue): readonly Subscriber[] => JSON.parse(stored.value) as readonly Subscriber[];

/**
 * The subscribers that lists show as `url`. Most others differ before the first secret, so that
 * their secrets need not be searched for.
 */
function shownAs(url: string, subscribers: readonly Subscriber[]): readonly Subscriber[] {
  const beginning = url.slice(0, Math.max(0, url.indexOf('***')));
  return beginning === ''
    ? []
    : subscribers.filter((s) => s.url.startsWith(beginning) && withoutSecrets(s.url) === url);
}

const noSuchTopic = (topic: string): HoldfastError =>
  new HoldfastError('not_found', `there is no topic ${topic}`, { field: ['topic'] });

const contended = (topic: string): HoldfastError =>
  new HoldfastError('unavailable', `topic ${topic} is being changed by too many callers at once; retry`);

/** Throws `invalid` for a name that no topic can have. */
export const acceptTopic = (topic: string): void => acceptKeyText(['topic'], topic, LIMITS.topicLength);

function requireName(topic: string, url: string): void {
  acceptTopic(topic);
  acceptKeyText(['url'], url, LIMITS.urlLength);
}

/**
 * The replacement for a secret in a URL that lists show: `***` before the @, or as the value of a
 * parameter.
 */
const SHOWN_SECRET = /:\/\/\*\*\*@|[?&;][^=&;#]{1,100}=\*\*\*(?:[&;#]|$)/;

function requireWhole(url: string): void {
  if (!SHOWN_SECRET.test(url)) return;
  const fault = 'must not contain *** instead of a secret, as lists show it; give the URL with its secrets';
  throw new HoldfastError('invalid', fault, { field: ['url'] });
}

function requireRemark(remark: string): void {
  if (remark.length <= LIMITS.remarkLength) return;
  const fault = `must have at most ${LIMITS.remarkLength} characters, not ${remark.length}`;
  throw new HoldfastError('invalid', fault, { field: ['remark'] });
}
