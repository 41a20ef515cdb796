import type { CallLine, CommitLine, JournalLine, Placed, UnverifiedLine } from './journal.ts';
import type { ResponseNote, Note } from './notes.ts';
import type { Plan } from './plan.ts';
import type { SecurityEvidence } from './secured/security-judge.ts';

/** All that the judge gets to see. */
export interface Evidence {
  readonly journal: readonly Placed<JournalLine>[];
  readonly notes: readonly Placed<Note>[];
  /** Gids that the coordinator still reported as unfinished when the waiting time had expired. */
  readonly unfinished: ReadonlySet<string>;
  /** Of a secured run. */
  readonly security?: SecurityEvidence;
}

/** The evidence about one gid. */
export interface Case {
  readonly gid: string;
  /**
   * Plans that used the gid: none if no client ever did, more than one if it was given out twice.
   */
  readonly plans: readonly Plan[];
  readonly responses: readonly ResponseNote[];
  readonly calls: readonly Placed<CallLine>[];
  readonly commits: readonly Placed<CommitLine>[];
  readonly unverified: readonly UnverifiedLine[];
  readonly unfinished: boolean;
  /** The lines of both journals, in the order in which things happened. */
  readonly texts: readonly string[];
}

/** Sorts the evidence by gid. */
export function casesOf(evidence: Evidence): readonly Case[] {
  const drafts = new Map<string, Draft>();
  const draft = (gid: string): Draft => {
    const existing = drafts.get(gid) ?? emptyDraft();
    drafts.set(gid, existing);
    return existing;
  };
  for (const note of evidence.notes) addNote(draft(note.line.gid), note);
  for (const placed of evidence.journal) addJournalLine(draft(placed.line.gid), placed);
  return Array.from(drafts, ([gid, { story, ...rest }]) => ({
    gid,
    ...rest,
    unfinished: evidence.unfinished.has(gid),
    texts: story.toSorted((a, b) => a.atByte - b.atByte).map(({ text }) => text),
  }));
}

const emptyDraft = (): Draft => ({ plans: [], responses: [], calls: [], commits: [], unverified: [], story: [] });

interface Draft {
  readonly plans: Plan[];
  readonly responses: ResponseNote[];
  readonly calls: Placed<CallLine>[];
  readonly commits: Placed<CommitLine>[];
  readonly unverified: UnverifiedLine[];
  /**
   * A note of a response contains the length of the participants' journal at that time: its place
   * in the story is directly after that length.
   */
  readonly story: { readonly atByte: number; readonly text: string }[];
}

function addNote(draft: Draft, { line, text }: Placed<Note>): void {
  if (line.kind === 'planned') draft.plans.push(line.plan);
  else draft.responses.push(line);
  draft.story.push({ atByte: line.kind === 'planned' ? 0 : line.journalBytes + 0.5, text });
}

function addJournalLine(draft: Draft, { line, text, endByte }: Placed<JournalLine>): void {
  if (line.kind === 'call') draft.calls.push({ line, text, endByte });
  if (line.kind === 'commit') draft.commits.push({ line, text, endByte });
  if (line.kind === 'unverified') draft.unverified.push(line);
  draft.story.push({ atByte: endByte, text });
}
