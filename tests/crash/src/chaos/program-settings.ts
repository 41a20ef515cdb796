import type { LedgerPlace } from './databases/open-ledger.ts';

/** The settings of a participant or initiator process, passed as JSON in its first argument. */
export interface ProgramSettings {
  readonly ledger: LedgerPlace;
  readonly port: number;
  readonly linesPath: string;
}

export interface InitiatorSettings extends ProgramSettings {
  readonly seed: number;
  /** Prefix of the gids. */
  readonly run: string;
  /** Number of its first transaction, and the distance to its next one. */
  readonly first: number;
  readonly stride: number;
  readonly rate: number;
  readonly coordinator: string;
  /** URLs of the participants, through the relay. */
  readonly participants: readonly string[];
}

/** Reads the first argument of this process; that of a participant has less. */
export function readSettings(): InitiatorSettings {
  const [text] = process.argv.slice(2);
  if (text === undefined) throw new Error('this program is started by participant-chaos');
  return JSON.parse(text) as InitiatorSettings;
}
