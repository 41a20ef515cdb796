import { ConfigError, type ServerConfig, tlsWarnings } from '@holdfast/server/config';
import { type Check, fail, ok, warn } from './finding.ts';

/** Checks the certificate and key that `holdfast serve` would use here. */
export const tlsCheck = (config: ServerConfig): Check => ({
  name: 'tls',
  async run() {
    try {
      const warnings = await tlsWarnings(config);
      if (warnings.length === 0) return [ok('tls', `${config.tlsCertFile}: valid, and its key fits`)];
      return warnings.map((text) => warn('tls', text, 'replace the file; a running coordinator reads it again'));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [fail('tls', error.message, 'correct the file, or the option')];
    }
  },
});
