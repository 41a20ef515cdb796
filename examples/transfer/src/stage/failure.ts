/** Failures between the coordinator, the application and bank B, or in bank B. */
export const FAILURES = ['none', 'rejected', 'lost-response', 'down', 'late'] as const;
export type Failure = (typeof FAILURES)[number];

export const FAILURE_TEXTS: Readonly<Record<Failure, string>> = {
  none: 'nothing goes wrong',
  rejected: "Ben's account is closed, so bank B rejects the transfer",
  'lost-response': 'bank B makes the change, but its first response to each URL is lost',
  down: 'bank B is down, and comes back after a call to it has failed',
  late: 'the first call of each URL of bank B is held up, and arrives when everything is over',
};
