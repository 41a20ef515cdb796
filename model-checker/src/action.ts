import type { Budget } from './scenario.ts';

/** Something that may happen next. */
export interface Action {
  /** Unique among the actions of a state; a path is a list of labels. */
  readonly label: string;
  /** The budget that it uses up; without one it is part of normal operation. */
  readonly spends?: keyof Budget;
  /** Done by a client or an operator, who may just as well do nothing. */
  readonly voluntary?: boolean;
  run(): void | Promise<void>;
}
