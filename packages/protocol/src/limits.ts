/**
 * Limits that always apply. Those that users may want to change are options of the server, with
 * these values as defaults.
 */
export const LIMITS = {
  /** Longest gid, in UTF-16 units. */
  gidLength: 128,
  /** ID of a principal, in bytes of UTF-8. */
  principalBytes: 128,
  /** API tokens of one store, revoked ones included. */
  tokens: 1_000,
  /** Longest name of an API token. */
  tokenNameLength: 64,
  /** Namespaces of one API token. */
  tokenNamespaces: 100,
  /** Longest validity of an API token. */
  tokenValidityMs: 10 * 365 * 24 * 3_600_000,
  /** Longest time for which a rotated token's previous secret stays valid. */
  tokenOverlapMs: 30 * 24 * 3_600_000,
  /** Longest namespace. */
  namespaceLength: 64,
  /** Longest URL of a branch, in UTF-16 units. */
  urlLength: 2048,
  /** Steps of one saga or message. */
  steps: 1000,
  /** Branches of one message, after the topics in its steps are replaced by their subscribers. */
  messageBranches: 1000,
  /** Dependencies of a saga's steps on others, in total. */
  dependencies: 20_000,
  /** Branches registered to one transaction. */
  registeredBranches: 1000,
  /**
   * Steps of one workflow: each records its start, the outcome of its action, and its commit or
   * rollback.
   */
  workflowSteps: 1000,
  /** Total size of the branches registered to one transaction with their payloads, in bytes. */
  registeredBytes: 8 * 1024 * 1024,
  /** One step's or branch's payload, in bytes. */
  payloadBytes: 1024 * 1024,
  /** One request's body, in bytes. */
  bodyBytes: 4 * 1024 * 1024,
  /** Transactions that one caller watches in one call. */
  watchedTransactions: 100,
  /** Entries of one page of a list. */
  pageSize: 1000,
  /** Entries kept in a transaction's timeline: the first and the last ones. */
  timelineEntries: 100,
  /** Result of one branch, in bytes. */
  branchResultBytes: 4096,
  /** Longest topic name. */
  topicLength: 128,
  /** Subscribers of one topic. */
  topicSubscribers: 200,
  /** Longest remark about a subscriber, in UTF-16 units. */
  remarkLength: 1024,
  /** Headers of one transaction's branch calls, and the total length of their names and values. */
  branchHeaders: 100,
  branchHeaderCharacters: 8 * 1024,
  /** Levels of nesting in the JSON text of a request. */
  jsonDepth: 500,
  /**
   * Lists, objects and their fields in a request, as JSON or protobuf, and elements of JSON in
   * total. A string counts as one element.
   */
  requestFields: 20_000,
  jsonElements: 200_000,
  /** Length of a workflow's result, in characters of base64. */
  workflowResultLength: 1024 * 1024,
  /**
   * Longest timeout of one branch call: a call that hangs occupies its connection for this time.
   */
  requestTimeoutMs: 10 * 60_000,
  /** Longest interval between retries, and longest delay of a message. */
  retryIntervalMs: 365 * 24 * 3_600_000,
  delayMs: 365 * 24 * 3_600_000,
  /** Longest timeout to fail, which means "never". */
  timeoutToFailMs: 100 * 365 * 24 * 3_600_000,
  /** Maximum number of immediate retries of a saga, which follow each other without a pause. */
  retryLimit: 1_000,
} as const;
