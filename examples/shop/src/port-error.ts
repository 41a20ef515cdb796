/** One line for a port that is taken, with what to do; undefined for other errors. */
export function portErrorOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return undefined;
  const port = 'port' in error ? Number(error.port) : Number.NaN;
  return [
    `Port ${port} is in use, by another shop or coordinator perhaps. Close that one, or choose other ports:`,
    `  HOLDFAST_HTTP_PORT=28079 SHOP_PORT=28080 npm start`,
  ].join('\n');
}
