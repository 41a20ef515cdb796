/** Run by vitest before the first test; the function that it returns, after the last one. */
export { keepTemplates as default } from './servers/template-folders.ts';
