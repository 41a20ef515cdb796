import type { Check } from '../finding.ts';
import { alertWebhook, branchTargets, signedCalls } from './branches.ts';
import { bootstrapToken, secretFiles } from './files.ts';
import type { HardeningItem, Installation } from './installation.ts';
import {
  auditLog,
  authentication,
  hostNames,
  insecureFlag,
  limits,
  portsEncryption,
  tlsVersions,
} from './listening.ts';
import { certificateVerification, coreDumps, debugging, nodeUpdates, systemUser } from './process.ts';
import { storeEncryption, storeUser } from './store.ts';
import { adminTokens, anonymousAccess, serverConnection, tokenExpiry, unusedTokens } from './tokens.ts';

/** The hardening checklist; docs/security.md has the same items in the same order. */
export const CHECKLIST: readonly HardeningItem[] = [
  authentication,
  insecureFlag,
  portsEncryption,
  tlsVersions,
  certificateVerification,
  hostNames,
  storeEncryption,
  storeUser,
  secretFiles,
  bootstrapToken,
  branchTargets,
  signedCalls,
  alertWebhook,
  limits,
  auditLog,
  systemUser,
  coreDumps,
  debugging,
  nodeUpdates,
  anonymousAccess,
  serverConnection,
  tokenExpiry,
  unusedTokens,
  adminTokens,
];

/** The checks of items. */
export const hardeningChecks = (
  items: readonly HardeningItem[],
  installation: () => Promise<Installation>,
): readonly Check[] => items.map((item) => ({ name: item.name, run: async () => item.check(await installation()) }));
