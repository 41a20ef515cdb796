/** A violation of a rule of this repository. */
export interface Finding {
  /** From the root of the repository. */
  readonly path: string;
  /** Counted from 1; absent if the finding is about the whole file. */
  readonly line?: number;
  readonly message: string;
}

/** A file of the repository, in the form that the checks use. */
export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** The line, counted from 1, of the character at `offset`. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
