import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Tests run against the sources; only processes that a test spawns run the built files.
    alias: [
      { find: /^@holdfast\/([a-z-]+)$/, replacement: fileURLToPath(new URL('./packages/$1/src/index.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['{packages,examples}/*/test/**/*.test.ts', '{simulator,crash-test,bench,interop}/test/**/*.test.ts'],
  },
});
