import { placeOfUrl, withoutSecrets } from '@holdfast/protocol';

/**
 * The arguments of a process as others may see them. The keys of alert webhooks are often parts of
 * their paths, so only the host is shown.
 */
export function shownArguments(args: readonly string[]): readonly string[] {
  return args.map((arg, at) => {
    const [, option = '', url = ''] = /^(--alert-webhook=)(.*)$/is.exec(arg) ?? ['', '', arg];
    if (option === '' && args[at - 1] !== '--alert-webhook') return withoutSecrets(arg);
    const origin = /^https?:\/\//i.test(url) ? /^[^?#]*?:\/\/[^/?#]*/.exec(placeOfUrl(url))?.[0] : undefined;
    return `${option}${url.startsWith('file:') ? url : `${origin ?? ''}/***`}`;
  });
}
