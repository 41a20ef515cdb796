import type { ClientCertificate } from '@holdfast/api';
import { namespaceFault, type Principal, principalFault, type Role, ROLES } from '@holdfast/protocol';
import { FileFault } from '../secrets/file-fault.ts';

/** One entry of the file: which certificates belong to which principal. */
export interface CertificateRule {
  readonly matches: (certificate: ClientCertificate) => boolean;
  readonly principal: Principal;
}

const MAX_BYTES = 256 * 1024;
const MOST_RULES = 1_000;
const KEYS = ['certificate', 'principal', 'roles', 'namespaces'];
const FORM = /^(?:(CN|DNS|URI|email|IP):(.{1,512})|sha256:([0-9a-f]{64}))$/i;

/**
 * Reads the file of `--tls-principals`: a list of `certificate`, `principal`, `roles` and
 * `namespaces` (all by default).
 *
 * @param parse parses YAML, of which JSON is a part
 * @throws {FileFault}
 */
export function readCertificateRules(bytes: Buffer, parse: (text: string) => unknown): readonly CertificateRule[] {
  if (bytes.length > MAX_BYTES) throw new FileFault(`it is longer than ${MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = parse(bytes.toString('utf8'));
  } catch {
    throw new FileFault('it is neither YAML nor JSON');
  }
  if (!Array.isArray(value)) throw new FileFault('it must be a list of certificate, principal, roles and namespaces');
  if (value.length > MOST_RULES) throw new FileFault(`it has more than ${MOST_RULES} entries`);
  return value.map((entry: unknown, index) => ruleOf(entry, `entry ${index + 1}`));
}

function ruleOf(entry: unknown, place: string): CertificateRule {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new FileFault(`${place} must be a map of ${KEYS.join(', ')}`);
  const unknown = Object.keys(entry).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw new FileFault(`${place} has the key ${JSON.stringify(unknown.slice(0, 100))}; known are ${KEYS.join(', ')}`);
  const { certificate, principal, roles, namespaces } = entry as Readonly<Record<string, unknown>>;
  return {
    matches: matcherOf(certificate, place),
    principal: {
      id: idOf(principal, place),
      roles: rolesOf(roles, place),
      ...(namespaces !== undefined && { namespaces: namespacesOf(namespaces, place) }),
    },
  };
}

function matcherOf(text: unknown, place: string): CertificateRule['matches'] {
  const [, kind = '', pattern = '', fingerprint] = (typeof text === 'string' && FORM.exec(text)) || [];
  if (fingerprint !== undefined) return (certificate) => certificate.fingerprint === fingerprint.toLowerCase();
  if (kind === '')
    throw new FileFault(
      `${place}: certificate must be CN:NAME, DNS:NAME, URI:NAME, email:NAME, IP:ADDRESS or sha256:HEX`,
    );
  const word = kind.toLowerCase();
  const matches = wildcard(pattern, word === 'dns' || word === 'email');
  if (word === 'cn') return ({ commonName }) => commonName !== '' && matches(commonName);
  return ({ names }) =>
    names.some((name) => name.toLowerCase().startsWith(`${word}:`) && matches(name.slice(word.length + 1)));
}

/** `*` matches any characters except those that separate parts: `.` `/` `@`. */
function wildcard(pattern: string, ignoresCase: boolean): (text: string) => boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
    .join('[^./@]+');
  const expression = new RegExp(`^${source}$`, ignoresCase ? 'iu' : 'u');
  return (text) => expression.test(text);
}

function idOf(id: unknown, place: string): string {
  const fault = typeof id === 'string' ? principalFault(id) : 'must be a text';
  if (fault !== undefined) throw new FileFault(`${place}: principal ${fault}`);
  return id as string;
}

function rolesOf(roles: unknown, place: string): readonly Role[] {
  const isRole = (role: unknown): role is Role => ROLES.some((one) => one === role);
  if (!Array.isArray(roles) || roles.length === 0 || !roles.every(isRole))
    throw new FileFault(`${place}: roles must be a list of ${ROLES.join(', ')}`);
  return roles;
}

function namespacesOf(namespaces: unknown, place: string): readonly string[] {
  if (!Array.isArray(namespaces)) throw new FileFault(`${place}: namespaces must be a list of names`);
  for (const name of namespaces) {
    const fault = typeof name === 'string' ? namespaceFault(name) : 'must be texts';
    if (fault !== undefined) throw new FileFault(`${place}: namespaces ${fault}`);
  }
  return namespaces as readonly string[];
}
