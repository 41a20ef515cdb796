/**
 * The `Authorization` header for the `user:password@` of a URL, which no HTTP client of Node sends by itself; empty for a
 * URL that has none.
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
