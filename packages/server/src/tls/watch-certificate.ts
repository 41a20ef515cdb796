import type { OptionName } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import { FileFault } from '../secrets/file-fault.ts';
import type { FileOption, WatchedFile, WatchedFiles } from '../secrets/watched-files.ts';
import { type CertifiedKey, faultOfPeriod, readAuthorities, readCertifiedKey, warningOfPeriod } from './certificate.ts';

/** Which options name the files, and their paths; empty: none. */
export interface TlsFiles {
  readonly ca: { readonly option: OptionName; readonly path: string };
  readonly cert: { readonly option: OptionName; readonly path: string };
  readonly key: { readonly option: OptionName; readonly path: string };
}

/** The contents of the files. */
export interface TlsMaterial {
  readonly ca: readonly string[] | undefined;
  readonly own: CertifiedKey | undefined;
}

/**
 * Reads and watches certificates and their key: they change together. A certificate that is not
 * valid now is a warning at the start, since a node must drive its transactions; later, it does not
 * replace one that is valid.
 */
export async function watchTls<T>(
  { ca, cert, key }: TlsFiles,
  { files, log }: { readonly files: WatchedFiles; readonly log: Log },
  use: (material: TlsMaterial) => T,
): Promise<WatchedFile<TlsMaterial & { readonly used: T }>> {
  const hasOwn = cert.path !== '';
  const hasCa = ca.path !== '';
  const named: FileOption[] = [...(hasOwn ? [cert, { ...key, isSecret: true }] : []), ...(hasCa ? [ca] : [])];
  let current: CertifiedKey | undefined;
  const watched = await files.watchAll(named, (contents) => {
    const own = hasOwn ? readCertifiedKey(contents[0] as Buffer, contents[1] as Buffer) : undefined;
    const authorities = hasCa ? readAuthorities(contents.at(-1) as Buffer, named.length - 1) : undefined;
    if (own !== undefined && current !== undefined) refuseWorse(own, current);
    const material = { ca: authorities, own };
    const used = use(material);
    if (own !== undefined && own.cert !== current?.cert) warn(own);
    current = own;
    return { ...material, used };
  });
  function warn(own: CertifiedKey): void {
    const warning = warningOfPeriod(own, Date.now());
    if (warning !== undefined) log.warn({ file: cert.path }, warning);
  }
  return watched;
}

function refuseWorse(own: CertifiedKey, current: CertifiedKey): void {
  const nowMs = Date.now();
  const fault = faultOfPeriod(own, nowMs);
  if (fault !== undefined && faultOfPeriod(current, nowMs) === undefined) throw new FileFault(fault);
}
