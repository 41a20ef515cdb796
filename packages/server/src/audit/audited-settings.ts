import { withoutSecrets } from '@holdfast/protocol';
import type { OptionName, ServerConfig } from '../config/options.ts';

/**
 * The options that decide who may do what, which hosts are called, and what is recorded. The audit
 * log contains their values; files appear with their paths. An option that is not in this list,
 * such as the URL of the store, is never recorded.
 */
const AUDITED: readonly OptionName[] = [
  'auth',
  'insecure',
  'allowedHosts',
  'dtmGetCommands',
  'bootstrapTokenFile',
  'tlsCertFile',
  'tlsKeyFile',
  'tlsClientCaFile',
  'tlsClientAuth',
  'tlsPrincipals',
  'branchTargets',
  'branchTargetsFile',
  'branchTlsCaFile',
  'branchTlsCertFile',
  'branchTlsKeyFile',
  'signingKeyFile',
  'storeTlsCaFile',
  'storeTlsCertFile',
  'storeTlsKeyFile',
  'storeTlsServerName',
  'retention',
  'audit',
  'auditRetention',
  'auditMaxEntries',
];

const LONGEST_TEXT = 500;
const MOST_ITEMS = 20;

/** The values of these options. */
export const auditedSettings = (config: ServerConfig): Readonly<Record<string, unknown>> =>
  Object.fromEntries(AUDITED.map((name) => [name, shownOf(config[name])]));

function shownOf(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return withoutSecrets(String(value)).slice(0, LONGEST_TEXT).toWellFormed();
  const shown = value.slice(0, MOST_ITEMS).map(shownOf);
  return value.length > MOST_ITEMS ? [...shown, `… ${value.length - MOST_ITEMS} more`] : shown;
}
