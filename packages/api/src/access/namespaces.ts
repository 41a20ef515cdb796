import { DEFAULT_NAMESPACE, HoldfastError, namespaceFault, type Principal } from '@holdfast/protocol';

/** The header field, and the gRPC metadata, that names the namespace of a request. */
export const NAMESPACE_FIELD = 'holdfast-namespace';

/**
 * The namespace in which a request acts: the one that it names, otherwise the only one of its
 * principal, otherwise `default`.
 *
 * @param named the value of `Holdfast-Namespace`; undefined: not sent
 * @throws {HoldfastError} `invalid` if it is not the name of a namespace, `forbidden` if the
 *   principal may not act in it
 */
export function namespaceOf({ namespaces }: Principal, named: string | undefined): string {
  if (named === undefined && namespaces === undefined) return DEFAULT_NAMESPACE;
  const namespace = named ?? (namespaces?.length === 1 ? namespaces[0] : undefined) ?? DEFAULT_NAMESPACE;
  const fault = named === undefined ? undefined : namespaceFault(named);
  if (fault !== undefined) throw new HoldfastError('invalid', `Holdfast-Namespace ${fault}`);
  if (namespaces === undefined || namespaces.includes(namespace)) return namespace;
  throw new HoldfastError(
    'forbidden',
    named === undefined
      ? `the caller may not act in the namespace ${namespace}; send Holdfast-Namespace with one of its namespaces`
      : `the caller may not act in the namespace ${namespace}; an administrator can grant it`,
  );
}

/** Whether a principal may act in every namespace, and see figures of a whole node. */
export const hasAllNamespaces = ({ namespaces }: Principal): boolean => namespaces === undefined;
