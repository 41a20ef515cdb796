import { lineAt, type Finding, type SourceFile } from './finding.ts';

const TOP_LEVEL = /^(?:export )?const \w+ = $/;

/**
 * Checks that each `AsyncLocalStorage` is a constant of its module. On Node 20 each instance that
 * was ever used makes every asynchronous call of the process slower until it exits: an instance per
 * run, request or object is a leak.
 */
export function checkStorages({ path, text }: SourceFile): readonly Finding[] {
  return [...text.matchAll(/\bnew AsyncLocalStorage\b/g)].flatMap((match) => {
    const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
    if (TOP_LEVEL.test(before)) return [];
    return [
      { path, line: lineAt(text, match.index), message: 'an AsyncLocalStorage that is not a constant of its module' },
    ];
  });
}
