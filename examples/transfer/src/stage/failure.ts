/** What may go wrong between the coordinator, the application and bank B, or in bank B. */
export const FAILURES = ['none', 'refused', 'lost-answer', 'down', 'late'] as const;
export type Failure = (typeof FAILURES)[number];

export const FAILURE_TEXTS: Readonly<Record<Failure, string>> = {
  none: 'nothing goes wrong',
  refused: "Ben's account is closed, so bank B says no",
  'lost-answer': 'bank B does what it is asked, but its first answer to each URL is lost',
  down: 'bank B is down, and comes back after it was missed',
  late: 'the first call of each URL of bank B is held up, and arrives when everything is over',
};
