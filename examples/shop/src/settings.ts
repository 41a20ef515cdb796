/** What may be changed from outside. */
export interface Settings {
  /** Port of the coordinator. */
  readonly coordinatorPort: number;
  /** Port of the shop's counter; its five services take the next five. */
  readonly shopPort: number;
  /** Where everything is kept. */
  readonly folder: string;
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

export const DEFAULT_COORDINATOR_PORT = 36789;
const DEFAULT_SHOP_PORT = 18080;
const WIDEST = 100;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads HOLDFAST_HTTP_PORT, SHOP_PORT and SHOP_DATA; throws with one line for what is wrong. */
export function readSettings(
  env: Environment,
  terminal: { readonly isTTY?: boolean; readonly columns?: number },
): Settings {
  return {
    coordinatorPort: portOf(env, 'HOLDFAST_HTTP_PORT', DEFAULT_COORDINATOR_PORT, 1),
    shopPort: portOf(env, 'SHOP_PORT', DEFAULT_SHOP_PORT, 6),
    folder: env['SHOP_DATA'] ?? 'data/shop',
    colour: terminal.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    width: Math.min(terminal.columns ?? WIDEST, WIDEST),
  };
}

/** @param ports how many in a row are needed */
function portOf(env: Environment, name: string, preset: number, ports: number): number {
  const text = env[name];
  if (text === undefined || text === '') return preset;
  const port = Number(text);
  const last = 65_536 - ports;
  if (Number.isInteger(port) && port >= 1 && port <= last) return port;
  throw new Error(`${name} takes a port from 1 to ${last}, not ${text}`);
}
