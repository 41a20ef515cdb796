/** The gid that an input of an operation names, in its path or its body. */
export function gidOfInput(input: object): string | undefined {
  const gid = gidOf(input) ?? gidOf('body' in input ? input.body : undefined);
  return typeof gid === 'string' ? gid : undefined;
}

const gidOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'gid' in value ? value.gid : undefined;
