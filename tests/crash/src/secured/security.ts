import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Issued, runChild, TestAuthority } from '@holdfast/testing/servers';
import type { NginxTls } from '../nginx.ts';
import type { OwnCallSecurity } from '../participants-client.ts';
import type { Access } from './access.ts';
import { OwnCallSigner } from './own-call-signer.ts';
import type { ParticipantsSettings } from './participants-security.ts';
import { keyFiles, newSigningKeys, type SigningKeys } from './signing-keys.ts';

/** Where participants are: they may be called nowhere else. */
const BRANCH_TARGETS = 'https://127.0.0.0/8,grpcs://127.0.0.0/8';

/**
 * The certificates, keys and tokens of a run in which coordinators have authentication, TLS and
 * signed calls. The files are in the run's folder.
 */
export class Security {
  /** PEM file of the authority that issued all certificates. */
  readonly caFile: string;
  /** Options of `serve`. */
  readonly serve: readonly string[];
  readonly nginx: NginxTls;
  /** A file with `ParticipantsSettings`. */
  readonly participantsSettings: string;
  /** May do everything. */
  readonly admin: Access;
  /** Of the clients, with the token of the token file. */
  readonly clients: Access;
  /** Of the clients' calls to participants. */
  readonly ownCalls: OwnCallSecurity;
  readonly #authority: TestAuthority;
  readonly #tokenFile: string;
  readonly #keyFile: string;
  readonly #keyFiles: readonly string[];
  #clientToken = '';

  private constructor(parts: Parts) {
    const { authority, folder, coordinator, keys, bootstrapToken, bootstrapFile } = parts;
    const ca = authority.certificateText;
    this.#authority = authority;
    this.#tokenFile = join(folder, 'client.token');
    this.#keyFile = join(folder, 'signing.keys');
    this.#keyFiles = keyFiles(keys);
    this.caFile = authority.certificate;
    this.serve = [
      ...['--auth', '--bootstrap-token-file', bootstrapFile],
      ...['--tls-cert-file', coordinator.certificate, '--tls-key-file', coordinator.key],
      ...['--branch-tls-ca-file', authority.certificate, '--branch-targets', BRANCH_TARGETS],
      ...['--signing-key-file', this.#keyFile],
    ];
    this.nginx = { certificate: coordinator.certificate, key: coordinator.key, ca: authority.certificate };
    this.participantsSettings = join(folder, 'participants.json');
    this.admin = { ca, token: () => bootstrapToken };
    this.clients = { ca, token: () => this.#clientToken };
    this.ownCalls = { ca, signer: new OwnCallSigner(keys.hmac) };
    this.useToken('');
    this.useKeys(0);
    this.#writeSettings(parts);
  }

  /** Makes everything. Throws if openssl is not installed. */
  static async prepare(cliPath: string, folder: string): Promise<Security> {
    const authority = await TestAuthority.create();
    try {
      const [coordinator, participants] = [await authority.issue(), await authority.issue()];
      const bootstrapToken = (await runChild(process.execPath, [cliPath, 'token', 'generate'])).trim();
      const bootstrapFile = join(folder, 'bootstrap.token');
      writeFileSync(bootstrapFile, bootstrapToken, { mode: 0o600 });
      const keys = newSigningKeys();
      return new Security({ authority, folder, coordinator, participants, keys, bootstrapToken, bootstrapFile });
    } catch (error) {
      await authority.remove();
      throw error;
    }
  }

  /** Gives the clients and the initiators of workflows another token, from their next call on. */
  useToken(token: string): void {
    this.#clientToken = token;
    replaceFile(this.#tokenFile, token);
  }

  /** Writes the coordinators' key file of a step in the replacement of a key. */
  useKeys(step: number): void {
    replaceFile(this.#keyFile, this.#keyFiles[step] ?? '');
  }

  async remove(): Promise<void> {
    await this.#authority.remove();
  }

  #writeSettings({ authority, participants, keys }: Parts): void {
    const settings: ParticipantsSettings = {
      ca: authority.certificateText,
      certificate: participants.certificateText,
      key: participants.keyText,
      tokenFile: this.#tokenFile,
      hmac: keys.hmac,
      ed25519: { publicKey: keys.ed25519.publicKey },
    };
    replaceFile(this.participantsSettings, JSON.stringify(settings));
  }
}

interface Parts {
  readonly authority: TestAuthority;
  readonly folder: string;
  readonly coordinator: Issued;
  readonly participants: Issued;
  readonly keys: SigningKeys;
  readonly bootstrapToken: string;
  readonly bootstrapFile: string;
}

/** At no time can a reader see a part of the contents. */
function replaceFile(path: string, contents: string): void {
  writeFileSync(`${path}.new`, contents, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
