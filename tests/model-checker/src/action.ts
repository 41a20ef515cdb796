import type { Budget } from './scenario.ts';

/** A possible next action in a state. */
export interface Action {
  /** Unique among the actions of a state; a path is a list of labels. */
  readonly label: string;
  /** The budget that the action uses up; without one it is part of normal operation. */
  readonly spends?: keyof Budget;
  /** An action of a client or an operator, who need not perform it. */
  readonly voluntary?: boolean;
  run(): void | Promise<void>;
}
