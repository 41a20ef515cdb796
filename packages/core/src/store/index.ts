/** The Store contract: operations, rules, limits, errors, and the wrapper that checks them. */
export * from './store.ts';
export * from './checked-store.ts';
export { STORE_LIMITS } from './rules.ts';
