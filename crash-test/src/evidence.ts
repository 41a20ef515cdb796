import type { CallLine, CommitLine, JournalLine, Placed } from './journal.ts';
import type { AnsweredNote, Note } from './notes.ts';
import type { Plan } from './plan.ts';

/** All that the judge gets to see. */
export interface Evidence {
  readonly journal: readonly Placed<JournalLine>[];
  readonly notes: readonly Placed<Note>[];
  /** Gids that the coordinator itself called unfinished when the patience was over. */
  readonly unfinished: ReadonlySet<string>;
}

/** The evidence about one gid. */
export interface Case {
  readonly gid: string;
  /** Plans that used the gid: none if no client ever did, more than one if it was given out twice. */
  readonly plans: readonly Plan[];
  readonly answers: readonly AnsweredNote[];
  readonly calls: readonly Placed<CallLine>[];
  readonly commits: readonly Placed<CommitLine>[];
  readonly unfinished: boolean;
  /** The lines as they stand in the journals. */
  readonly texts: readonly string[];
}

/** Sorts the evidence by gid. */
export function casesOf(evidence: Evidence): readonly Case[] {
  const drafts = new Map<string, Draft>();
  const draft = (gid: string): Draft => {
    const existing = drafts.get(gid) ?? newDraft(gid, evidence.unfinished.has(gid));
    drafts.set(gid, existing);
    return existing;
  };
  for (const { line, text } of evidence.notes) {
    const one = draft(line.gid);
    one.texts.push(text);
    if (line.kind === 'planned') one.plans.push(line.plan);
    else one.answers.push(line);
  }
  for (const placed of evidence.journal) addJournalLine(draft(placed.line.gid), placed);
  return [...drafts.values()];
}

interface Draft extends Case {
  readonly plans: Plan[];
  readonly answers: AnsweredNote[];
  readonly calls: Placed<CallLine>[];
  readonly commits: Placed<CommitLine>[];
  readonly texts: string[];
}

function newDraft(gid: string, unfinished: boolean): Draft {
  return { gid, plans: [], answers: [], calls: [], commits: [], unfinished, texts: [] };
}

function addJournalLine(one: Draft, { line, text, endByte }: Placed<JournalLine>): void {
  one.texts.push(text);
  if (line.kind === 'call') one.calls.push({ line, text, endByte });
  if (line.kind === 'commit') one.commits.push({ line, text, endByte });
}
