import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { CaseList } from './case-list.ts';
import { renderPage } from './render-page.ts';

/** The list of the cases that the page is generated from. */
export const LIST_FILE = fileURLToPath(new URL('../../cases.json', import.meta.url));
/** The page. */
export const PAGE_FILE = fileURLToPath(new URL('../../../../docs/compatibility.md', import.meta.url));

/** The committed list. */
export const readCaseList = async (): Promise<CaseList> => JSON.parse(await readFile(LIST_FILE, 'utf8')) as CaseList;

/** Writes the list, and the page that is generated from it. */
export async function writeDocs(list: CaseList): Promise<void> {
  await writeFile(LIST_FILE, `${JSON.stringify(list, undefined, 2)}\n`);
  await writeFile(PAGE_FILE, renderPage(list));
}
