package interop.cases;

import interop.bank.Bank;
import interop.coordinator.Coordinator;
import interop.participant.Service;
import pub.dtm.client.DtmClient;

/** What all cases share. The bank is null where there is none. */
record Setting(DtmClient client, Coordinator coordinator, Service service, Bank bank, String typescript) {}
