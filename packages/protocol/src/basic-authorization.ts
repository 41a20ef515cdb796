/**
 * The `Authorization` header for `user:password@` in a URL, which Node's HTTP clients do not send
 * on their own; empty for a URL without an account.
 */
export function basicAuthorization({ username, password }: Pick<URL, 'username' | 'password'>): string {
  if (username === '' && password === '') return '';
  return `Basic ${Buffer.from(`${decodePart(username)}:${decodePart(password)}`).toString('base64')}`;
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
