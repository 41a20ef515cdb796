export * from './vocabulary.ts';
export * from './errors.ts';
export * from './result.ts';
export * from './limits.ts';
export * from './api-v1.ts';
export * from './branch-errors.ts';
export * from './dtm.ts';
export * from './dtm-answers.ts';
