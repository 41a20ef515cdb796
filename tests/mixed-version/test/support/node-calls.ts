/** The fields of responses; a test asserts that they are present. */
export interface ResponseBody {
  readonly gid: string;
  readonly status: string;
  readonly rollbackReason: string;
  readonly next: string | null;
  readonly items: readonly ResponseBody[];
  readonly topic: string;
  readonly subscribers: readonly { readonly url: string }[];
  readonly session: string;
  readonly node: string;
  readonly owner: string | null;
  readonly createdBy?: string;
  readonly trace?: object;
  readonly counts: { readonly byStatus: Readonly<Record<string, number>> };
  readonly steps: readonly { readonly branchId: string; readonly status: string; readonly data: string }[];
  readonly timeline: readonly {
    readonly kind: string;
    readonly detail?: string;
    readonly status?: string;
    readonly by?: string;
  }[];
}

/** A node, with the calls of tests to it. Each throws unless the response's status is 2xx. */
export abstract class NodeCalls {
  abstract readonly version: string;
  abstract readonly url: string;

  async call(method: string, path: string, body?: unknown): Promise<ResponseBody> {
    const response = await fetch(this.url + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${this.version}, ${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as ResponseBody;
  }

  get(path: string): Promise<ResponseBody> {
    return this.call('GET', `/api/v1${path}`);
  }

  post(path: string, body: unknown = {}): Promise<ResponseBody> {
    return this.call('POST', `/api/v1${path}`, body);
  }

  /** A call of dtm's REST. */
  dtm(path: string, body: unknown): Promise<ResponseBody> {
    return this.call('POST', `/api/dtmsvr/${path}`, body);
  }

  /** The status of a transaction, once it is final. */
  async final(gid: string): Promise<string> {
    return (await this.get(`/transactions/${gid}?waitMs=20000`)).status;
  }
}
