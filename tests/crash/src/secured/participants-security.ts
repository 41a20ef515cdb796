import { readFileSync } from 'node:fs';
import type { OwnCallSecurity } from '../participants-client.ts';
import type { Access } from './access.ts';
import { CallCheck } from './call-check.ts';
import { OwnCallSigner } from './own-call-signer.ts';

/** The settings of a participants' process, as a JSON file. */
export interface ParticipantsSettings {
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The file has the token of the workflows' initiator, which changes while the process runs. */
  readonly tokenFile: string;
  readonly hmac: string;
  readonly ed25519: { readonly publicKey: string };
}

/** A participants' process that serves TLS, verifies calls, and has a token. */
export interface SecuredParticipants {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly calls: CallCheck;
  /** Of the workflows' initiator. */
  readonly access: Access;
  readonly ownCalls: OwnCallSecurity;
  readonly signingKey: string;
}

/** Reads the settings of a secured process. */
export function readSettings(path: string): SecuredParticipants {
  const settings = JSON.parse(readFileSync(path, 'utf8')) as ParticipantsSettings;
  const { ca, certificate, key, tokenFile, hmac } = settings;
  return {
    certificate,
    key,
    calls: new CallCheck(settings),
    access: { ca, token: () => readFileSync(tokenFile, 'utf8') },
    ownCalls: { ca, signer: new OwnCallSigner(hmac) },
    signingKey: hmac,
  };
}
