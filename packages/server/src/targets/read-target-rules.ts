import { isUtf8 } from 'node:buffer';
import type { TargetRules } from '@holdfast/branches';
import { placeOfFault } from '../config/fault-place.ts';
import { FileFault } from '../secrets/file-fault.ts';

/** Longer files would take the parser so long that calls wait for it. */
const MAX_BYTES = 256 * 1024;

/**
 * Reads the file of `--branch-targets-file`: a list of rules, or a map of `rules` and `namespaces`.
 * The rules themselves are not checked.
 *
 * @param parse parses YAML, of which JSON is a part
 * @throws {FileFault}
 */
export function readTargetRules(bytes: Buffer, parse: (text: string) => unknown): TargetRules {
  if (bytes.length > MAX_BYTES) throw new FileFault(`it is longer than ${MAX_BYTES} bytes`);
  if (!isUtf8(bytes)) throw new FileFault('its content is not UTF-8');
  const value = parsed(bytes.toString('utf8'), parse);
  if (Array.isArray(value)) return { rules: rulesOf(value, 'it') };
  if (typeof value !== 'object' || value === null)
    throw new FileFault('it must be a list of rules, or a map with rules and namespaces');
  const { rules = [], namespaces = {}, ...others } = value as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new FileFault(`${JSON.stringify(unknown.slice(0, 100))} is neither rules nor namespaces`);
  if (typeof namespaces !== 'object' || namespaces === null || Array.isArray(namespaces))
    throw new FileFault('namespaces must be a map from namespaces to lists of rules');
  return {
    rules: rulesOf(rules, 'rules'),
    namespaces: Object.fromEntries(
      Object.entries(namespaces).map(([name, own]) => [name, rulesOf(own, `namespaces.${name}`)]),
    ),
  };
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new FileFault(`it is neither YAML nor JSON${placeOfFault(error)}; put rules that begin with * into quotes`);
  }
}

function rulesOf(value: unknown, where: string): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new FileFault(`${where} must be a list of rules, each of them a text`);
}
