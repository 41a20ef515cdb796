/**
 * The kind and position of a syntax error of YAML. The library's message quotes the line, which may
 * contain a password.
 */
export function placeOfFault(error: unknown): string {
  if (!(error instanceof Error) || !('linePos' in error) || !('code' in error)) return '';
  const [at] = error.linePos as readonly [{ readonly line: number; readonly col: number }];
  const code = String(error.code);
  const hint =
    code === 'BLOCK_AS_IMPLICIT_KEY' ? ` (put a value that ends in a colon into quotes: store: "memory:")` : '';
  return `: ${code} at line ${at.line}, column ${at.col}${hint}`;
}
