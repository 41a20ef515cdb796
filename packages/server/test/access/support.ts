import { startServer, type RunningServer, type ServerConfig, type ServerParts } from '@holdfast/server';
import { TestClient } from '@holdfast/testing/test-server';
import type { NewToken, Role, TokenRequest } from '@holdfast/protocol';

/** A coordinator that serves only callers with a token, and its first token. */
export class GuardedServer extends TestClient implements AsyncDisposable {
  readonly running: RunningServer;
  /** The token with the role admin. */
  readonly admin: string;

  private constructor(running: RunningServer, admin: string) {
    super(running.url);
    this.running = running;
    this.admin = admin;
  }

  static async start(values: Partial<ServerConfig> = {}, parts: ServerParts = {}, admin = ''): Promise<GuardedServer> {
    const config = { store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, auth: true, ...values };
    const running = await startServer(config, parts);
    return new GuardedServer(running, running.bootstrapToken ?? admin);
  }

  /** Creates a token with a role. */
  async token(role: Role, more: Partial<TokenRequest> = {}): Promise<NewToken> {
    const created = await this.request('POST', '/api/v1/tokens', { name: role, role, ...more }, bearer(this.admin));
    if (created.status !== 200) throw new Error(created.text);
    return created.json as unknown as NewToken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.close();
  }
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
