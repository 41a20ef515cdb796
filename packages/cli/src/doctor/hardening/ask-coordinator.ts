import type { ClientTls } from '@holdfast/client';
import { textOfThrown, type TokenInfo } from '@holdfast/protocol';
import { CommandError } from '../../commands/command-error.ts';
import { allTokens } from '../../coordinator/all-tokens.ts';
import { CoordinatorApi } from '../../coordinator/coordinator-api.ts';
import { get } from '../get.ts';
import type { CoordinatorFacts } from './installation.ts';

/** Reads what the items need of a running coordinator; a text: why it cannot be read. */
export async function coordinatorFacts(
  server: string,
  token: string | undefined,
  tls: ClientTls | undefined,
): Promise<CoordinatorFacts | string> {
  if (!URL.canParse(server) || !/^https?:/.test(server)) return 'not checked: --server is not an http or https URL';
  const { origin, pathname } = new URL(server);
  const root = origin + pathname.replace(/\/+$/, '');
  try {
    // Without a client certificate, which could be that of a principal.
    const { status } = await get(`${root}/api/v1/nodes`, {}, tls?.ca === undefined ? undefined : { ca: tls.ca });
    return { url: origin, statusWithoutToken: status, tokens: await tokensOf(server, token, tls) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : textOfThrown(error);
    return `not checked: ${origin} does not respond (${code})`;
  }
}

/** All tokens; undefined if the caller may not list them. */
async function tokensOf(
  server: string,
  token: string | undefined,
  tls: ClientTls | undefined,
): Promise<readonly TokenInfo[] | undefined> {
  const api = new CoordinatorApi(server, { ...(token !== undefined && { token }), ...(tls !== undefined && { tls }) });
  try {
    return await allTokens(api);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  } finally {
    await api.close();
  }
}
