/**
 * Bounds that hold everywhere. Those a user may want to change are options of the server; these are the values they start from.
 */
export const LIMITS = {
  /** Longest gid, in UTF-16 units. */
  gidLength: 128,
  /** Longest namespace. */
  namespaceLength: 64,
  /** Longest URL of a branch, in UTF-16 units. */
  urlLength: 2048,
  /** Steps of one saga or message. */
  steps: 1000,
  /** Branches of one message, once the topics among its steps are replaced by their subscribers. */
  messageBranches: 1000,
  /** Branches registered to one transaction. */
  registeredBranches: 1000,
  /** One step's or branch's payload, in bytes. */
  payloadBytes: 1024 * 1024,
  /** One request's body, in bytes. */
  bodyBytes: 4 * 1024 * 1024,
  /** Entries of one page of a list. */
  pageSize: 1000,
  /** Entries of the timeline that a transaction keeps: the first and the last ones. */
  timelineEntries: 100,
  /** Result of one branch, in bytes. */
  branchResultBytes: 4096,
  /** Longest topic name. */
  topicLength: 128,
  /** Subscribers of one topic. */
  topicSubscribers: 200,
} as const;
