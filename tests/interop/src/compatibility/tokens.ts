import { row, type Section } from './section.ts';

const PROXY = `nginx on the client's machine, listening on loopback: \`proxy_set_header Authorization "Bearer TOKEN"\`
and \`proxy_pass https://…\`, or \`grpc_set_header …\` and \`grpc_pass grpcs://…\``.replaceAll('\n', ' ');

/** How dtm's clients send a token. */
export const TOKENS: readonly Section[] = [
  {
    title: 'With a token',
    text: `A coordinator with \`--auth\` requires a token, and with \`--tls-cert-file\` it serves TLS only; see
[security.md](security.md#how-clients-send-a-token), which has the code. dtm's own coordinator has neither. The clients
are unmodified: each of these ways was tried with them.`,
    subject: 'client',
    rows: [
      row(
        'without a token, or with a wrong one',
        '401, over gRPC UNAUTHENTICATED; no branch is called',
        'go Token/is required over HTTP',
        'go Token/is required over gRPC',
        'python Token/is required',
        'java Token/is required, and is not sent from the user information of the address',
      ),
      row(
        'Go over HTTP and JSON-RPC',
        'the token in the URL of the coordinator: `http://any:TOKEN@host:36789/api/dtmsvr`',
        "go Token/a saga over HTTP commits with the token in the coordinator's URL",
        "go Token/a TCC over HTTP commits with the token in the coordinator's URL",
        "go Token/a saga over JSON-RPC commits with the token in the coordinator's URL",
      ),
      row(
        'Go over https',
        'the same with `https://`; an authority of the system, or `SSL_CERT_FILE`',
        'go Token/a saga over https commits, with the authority in the environment',
      ),
      row(
        'Go: TCC and XA over HTTP',
        'the client sends the URL of the coordinator, with the token, to the participants; if they must not have it, use gRPC or nginx',
        "go Token/a TCC passes the coordinator's URL, with the token, to its participants",
      ),
      row(
        'Go over gRPC',
        '`dtmgrpc.AddUnaryInterceptor`, which does not give the token to branches; the client has no TLS: use nginx',
        'go Token/a saga over gRPC commits with an interceptor',
        'go Token/a TCC over gRPC commits with an interceptor, and branches do not receive the token',
      ),
      row(
        'Python',
        'the token in the URL of the coordinator; with `https://`, an authority of `requests`, or `REQUESTS_CA_BUNDLE`',
        "python Token/a saga commits with the token in the coordinator's URL",
        "python Token/a TCC commits with the token in the coordinator's URL",
        "python Token/a message is prepared and delivered with the token in the coordinator's URL",
        'python Token/a saga over https commits, with the authority in the environment',
      ),
      row(
        'Java',
        '`new DtmClient(stub)` with a Feign stub that adds the header, also for `https://`; user information in the address is not sent',
        'java Token/a saga commits with a stub that adds the token',
        'java Token/a TCC commits with a stub that adds the token',
        'java Token/a saga over https commits with a stub that adds the token',
      ),
      row(
        'generated from the `.proto` files',
        "the library's credentials for TLS, and metadata `authorization: Bearer TOKEN`",
        'generated GeneratedGo/submits a saga over TLS with a token in the metadata; without it, the call is UNAUTHENTICATED',
        'generated GeneratedPython/submits a saga over TLS with a token in the metadata; without it, the call is UNAUTHENTICATED',
      ),
      row(
        'any client, without a change',
        PROXY,
        'go Token/a saga over HTTP commits through nginx, which adds the token and TLS',
        'go Token/a saga over gRPC commits through nginx, which adds the token and TLS',
        'python Token/a saga commits through nginx, which adds the token and TLS',
        'java Token/a saga commits through nginx, which adds the token and TLS',
      ),
      row('C#, Node.js, PHP', 'not tried; the way over nginx does not depend on the client'),
    ],
  },
];
