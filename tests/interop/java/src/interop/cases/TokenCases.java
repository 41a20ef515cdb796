package interop.cases;

import feign.Client;
import feign.Feign;
import feign.jackson.JacksonDecoder;
import feign.jackson.JacksonEncoder;
import interop.bank.Account;
import interop.participant.Handlers;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import pub.dtm.client.DtmClient;
import pub.dtm.client.stub.DtmFeignClient;
import pub.dtm.client.tcc.Tcc;

/**
 * Coordinators that require a token. The client leaves out the user information of its URL, but takes a
 * Feign stub of the application, which adds a header and can use https. Environment: INTEROP_TOKEN (without it the cases
 * are skipped), INTEROP_TOKEN_TARGET, INTEROP_TLS_TARGET (with TLS, by the authority of the file INTEROP_CA), and
 * INTEROP_PROXY_TARGET (nginx that adds the token and TLS).
 */
final class TokenCases {
    private static final String GROUP = "Token";
    private static final String TOKEN = System.getenv().getOrDefault("INTEROP_TOKEN", "");

    private TokenCases() {}

    static void addTo(Suite suite) {
        suite.add(GROUP, "a saga commits with a stub that adds the token", s -> saga(s, stub(target("TOKEN"))));
        suite.add(GROUP, "a saga over https commits with a stub that adds the token", s -> saga(s, stub(target("TLS"))));
        suite.add(GROUP, "a TCC commits with a stub that adds the token", TokenCases::tcc);
        suite.add(GROUP, "a saga commits through nginx, which adds the token and TLS",
            s -> saga(s, new DtmClient(URI.create(target("PROXY")).getAuthority())));
        suite.add(GROUP, "is required, and is not sent from the user information of the address", TokenCases::required);
    }

    private static String target(String name) throws Skipped {
        if (TOKEN.isEmpty()) throw new Skipped("there is no coordinator with authentication");
        return System.getenv("INTEROP_" + name + "_TARGET");
    }

    /** A client with a stub of the application. */
    private static DtmClient stub(String base) throws Exception {
        return new DtmClient(Feign.builder()
            .decoder(new JacksonDecoder())
            .encoder(new JacksonEncoder())
            .client(new Client.Default(trusting(Path.of(System.getenv("INTEROP_CA"))).getSocketFactory(), null))
            .requestInterceptor(request -> request.header("Authorization", "Bearer " + TOKEN))
            .target(DtmFeignClient.class, base));
    }

    private static SSLContext trusting(Path authority) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (InputStream file = Files.newInputStream(authority)) {
            trusted.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static void saga(Case s, DtmClient client) throws Exception {
        Account[] accounts = s.transfer(100);
        String gid = client.newSaga(s.gid)
            .add(s.url("debit"), s.url("undo-debit"), Handlers.PAYLOAD)
            .add(s.url("credit"), s.url("undo-credit"), Handlers.PAYLOAD)
            .submit();
        s.equal("the gid", gid, s.gid);
        s.until("the money", () -> accounts[1].funds().equals("30, 0"));
        s.wantFunds(accounts[0], 70, 0);
    }

    private static void tcc(Case s) throws Exception {
        s.three("seat", Handlers::succeeds);
        stub(target("TOKEN")).tccGlobalTransaction(s.gid, (Tcc tcc) -> tcc
            .callBranch(Handlers.PAYLOAD, s.url("try-seat"), s.url("confirm-seat"), s.url("cancel-seat")).close());
        s.until("the confirm", () -> s.journal().contains("confirm-seat 01 confirm"));
    }

    private static void required(Case s) throws Exception {
        String address = URI.create(target("TOKEN")).getAuthority();
        for (String sent : new String[] {address, "any:" + TOKEN + "@" + address}) {
            s.wantError("401", new DtmClient(sent).newSaga(s.gid).add(s.url("debit"), "", Handlers.PAYLOAD)::submit);
        }
        s.wantJournal();
    }
}
