import type { ClientConfig } from 'pg';
import type { Settings } from './options.ts';
import { sqlState } from './errors.ts';

/**
 * A setting of the server, the database or the role that can end a connection before the store has
 * replaced it, as `statement_timeout = 1` does. Sent in the first packet, the store's own value
 * holds before any statement.
 */
export type StartSetting = (typeof BY_STATE)[keyof typeof BY_STATE];

/**
 * The settings by the SQLSTATE with which they end a statement or a session. A server that ended
 * one knows the setting, which older versions lack.
 */
const BY_STATE = {
  '57014': 'statement_timeout',
  '57P05': 'idle_session_timeout',
  '25P04': 'transaction_timeout',
} as const;

/** The setting that ended a connection at its start; undefined if something else did. */
export function settingThatEnded(thrown: unknown): StartSetting | undefined {
  const state = sqlState(thrown);
  return state !== undefined && state in BY_STATE ? BY_STATE[state as keyof typeof BY_STATE] : undefined;
}

/**
 * The configuration of a client that sends settings in its first packet. They are sent only where
 * they are needed, since most poolers reject them.
 */
export function withStartSettings(
  config: ClientConfig,
  names: readonly StartSetting[],
  { statementTimeoutMs }: Settings,
): ClientConfig {
  if (names.length === 0 || config.connectionString === undefined) return config;
  const url = new URL(config.connectionString);
  const options = [
    // What `pg` would send otherwise.
    url.searchParams.get('options') ?? process.env['PGOPTIONS'] ?? '',
    ...names.map((name) => `-c ${name}=${name === 'statement_timeout' ? statementTimeoutMs : 0}`),
  ];
  url.searchParams.set('options', options.join(' ').trim());
  return { ...config, connectionString: url.href };
}
