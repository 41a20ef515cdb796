import { type IpRange, parseRange } from './ip-address.ts';
import { comparedName, normalHost } from './host.ts';

export const TARGET_SCHEMES = ['http', 'https', 'grpc', 'grpcs'] as const;
export type TargetScheme = (typeof TARGET_SCHEMES)[number];

/** One server that a branch's URL names. */
export interface TargetEndpoint {
  readonly scheme: TargetScheme;
  /** A name or an address, in the form of `normalHost`. */
  readonly host: string;
  readonly port: number;
}

/** One rule of `branchTargets`. What is undefined matches everything. */
export interface TargetRule {
  /** As the operator wrote it. */
  readonly text: string;
  readonly allows: boolean;
  readonly scheme: TargetScheme | undefined;
  readonly host: HostPattern | undefined;
  /** First and last port. */
  readonly ports: readonly [number, number] | undefined;
  /** The addresses; undefined: a rule that allows covers the public ones, one that denies all. */
  readonly ranges: readonly IpRange[] | undefined;
}

/** A name, or all names below it. */
export interface HostPattern {
  readonly name: string;
  readonly isWildcard: boolean;
}

/** A rule is not valid. The message names the rule, and how to write it. */
export class TargetRuleError extends Error {
  override readonly name = 'TargetRuleError';
}

const MAX_LENGTH = 512;
const MAX_SHOWN = 100;
const FORM =
  'write [deny] [SCHEME://]HOST[:PORT[-PORT]] [in RANGE …], such as https://*.shop.example:443 or 10.0.0.0/8';

/**
 * Parses a rule: `[allow|deny] [SCHEME://]HOST[:PORT[-PORT]] [in RANGE …]`. HOST is a name,
 * `*.name`, `*`, an address or a range of addresses.
 *
 * @throws {TargetRuleError}
 */
export function parseTargetRule(given: string): TargetRule {
  const fail = (fault: string): never => {
    const shown = given.length > MAX_SHOWN ? `${given.slice(0, MAX_SHOWN)}…` : given;
    throw new TargetRuleError(`the rule ${JSON.stringify(shown)} ${fault}`);
  };
  if (given.length > MAX_LENGTH) fail(`has ${given.length} characters; at most ${MAX_LENGTH} are allowed`);
  const words = given.trim().split(/\s+/);
  const verb = words[0] === 'deny' || words[0] === 'allow' ? words.shift() : 'allow';
  const [target = '', keyword, ...texts] = words;
  if (target === '') fail(`names no target; ${FORM}`);
  if (keyword !== undefined && (keyword !== 'in' || texts.length === 0)) fail(`is malformed; ${FORM}`);

  const [, schemeText, place = ''] = /^(?:([^:/[\]]*):\/\/)?(.*)$/.exec(target) ?? [];
  const scheme = TARGET_SCHEMES.find((one) => one === schemeText?.toLowerCase());
  if (schemeText !== undefined && schemeText !== '*' && scheme === undefined)
    fail(`has the scheme ${JSON.stringify(schemeText)}; it must be ${TARGET_SCHEMES.join(', ')} or *`);
  if (/[@?#\\%]/.test(place)) fail(`contains more than a host and ports; ${FORM}`);
  const { hostText, portText } = splitPorts(place);
  const ports = portText === undefined ? undefined : portsOf(portText);
  if (portText !== undefined && ports === undefined)
    fail(`has the ports ${JSON.stringify(portText)}; write a port from 1 to 65535, or two with - in between`);

  if (/\/(?!\d+$)/.test(hostText)) fail(`contains more than a host and ports; ${FORM}`);
  const isAddress = hostText.includes('/') || parseRange(hostText) !== undefined;
  const rangeIn = (text: string): IpRange =>
    parseRange(text) ?? fail(`has the range ${JSON.stringify(text)}; write ADDRESS/BITS, with zeros after the bits`);
  const common = { text: given.trim(), allows: verb === 'allow', scheme, ports };
  if (isAddress) {
    if (texts.length > 0) fail('has a range both as its host and after in; write one of them');
    return { ...common, host: undefined, ranges: [rangeIn(hostText)] };
  }
  const ranges = texts.length === 0 ? undefined : texts.map(rangeIn);
  if (hostText === '*') return { ...common, host: undefined, ranges };
  const host = patternOf(hostText);
  if (host === undefined)
    return fail(
      `has the host ${JSON.stringify(hostText)}; write a name, *.name, *, an address or a range of addresses`,
    );
  return { ...common, host, ranges };
}

/** The host and, if given, the ports. With ports, an IPv6 address is in brackets. */
function splitPorts(place: string): { readonly hostText: string; readonly portText: string | undefined } {
  const bracketed = /^\[([^[\]]*)\](\/\d+)?(?::(.*))?$/.exec(place);
  if (bracketed !== null) {
    const [, inner = '', prefix = '', portText] = bracketed;
    return { hostText: inner + prefix, portText };
  }
  const [hostText = '', portText, ...more] = place.split(':');
  return more.length > 0 ? { hostText: place, portText: undefined } : { hostText, portText };
}

function portsOf(text: string): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= 65_535 ? [first, last] : undefined;
}

/** The name in the form of `normalHost`; undefined if it is none, or an address in another form. */
function patternOf(text: string): HostPattern | undefined {
  const isWildcard = text.startsWith('*.');
  const given = isWildcard ? text.slice(2) : text;
  if (given === '' || given.includes('*')) return undefined;
  const name = normalHost(given);
  if (name === undefined || parseRange(name) !== undefined) return undefined;
  const compared = comparedName(name);
  return compared === '' || compared.startsWith('.') ? undefined : { name: compared, isWildcard };
}
