import { lineAt, type Finding, type SourceFile } from './finding.ts';

const TOP_LEVEL = /^(?:export )?const \w+ = $/;

/**
 * An `AsyncLocalStorage` belongs to a module. On Node 20 each one that was ever used makes every
 * asynchronous call of the process dearer, for as long as the process lives: one for each run,
 * request or object is a leak.
 */
export function checkStorages({ path, text }: SourceFile): readonly Finding[] {
  return [...text.matchAll(/\bnew AsyncLocalStorage\b/g)].flatMap((match) => {
    const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
    if (TOP_LEVEL.test(before)) return [];
    return [
      { path, line: lineAt(text, match.index), message: 'an AsyncLocalStorage that is no constant of its module' },
    ];
  });
}
