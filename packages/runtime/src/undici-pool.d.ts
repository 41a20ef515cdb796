/** The pool alone: undici's index also loads fetch, caches, mocks and more, a sixth of the time that a coordinator takes to start. */
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
