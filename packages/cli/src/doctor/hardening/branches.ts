import { isLoopback, targetConcerns } from '@holdfast/server/config';
import { fail, ok, warn } from '../finding.ts';
import type { HardeningItem } from './installation.ts';
import { isAuthenticated, isExposed } from './listening.ts';

export const branchTargets: HardeningItem = {
  name: 'branch targets',
  async check({ config }) {
    const { name } = branchTargets;
    const { rules, concerns } = await targetConcerns(config);
    if (rules === 0 && !isAuthenticated(config))
      return isExposed(config)
        ? [warn(name, 'clients can make the coordinator call every host that it reaches', 'specify --branch-targets')]
        : [ok(name, `every host, for callers on ${config.host}`)];
    if (rules === 0)
      return [
        warn(
          name,
          'clients can make the coordinator call every public address',
          'list the participants in --branch-targets',
        ),
      ];
    if (concerns.length === 0) return [ok(name, `${rules} rules`)];
    return concerns.map(({ rule, concern, isSevere }) =>
      (isSevere ? fail : warn)(
        name,
        `the rule ${JSON.stringify(rule)} ${concern}`,
        'name the hosts and ports of participants',
      ),
    );
  },
};

export const signedCalls: HardeningItem = {
  name: 'signed calls',
  check({ config }) {
    const { name } = signedCalls;
    const { signingKeyFile } = config;
    if (signingKeyFile.length > 0) return [ok(name, `files with keys: ${signingKeyFile.length}`)];
    if (!isExposed(config) && !isAuthenticated(config)) return [ok(name, 'off; callers are on this machine')];
    return [
      warn(
        name,
        'participants cannot distinguish calls of the coordinator from others',
        'specify --signing-key-file, and verify the calls in the participants',
      ),
    ];
  },
};

export const alertWebhook: HardeningItem = {
  name: 'alert webhook',
  check({ config }) {
    const { name } = alertWebhook;
    const { alertWebhook: text } = config;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) return [ok(name, 'none')];
    if (url.protocol === 'https:' || isLoopback(url.hostname)) return [ok(name, url.origin)];
    return [warn(name, `alerts are sent to ${url.origin} unencrypted`, 'use an https:// URL')];
  },
};
