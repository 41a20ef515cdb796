package cases

import (
	"fmt"
	"strings"

	"holdfast/interop/participant"
)

// journal writes the calls as "debit 01 action", one a line, oldest first.
func (s *scene) journal() string { return strings.Join(names(s.at.Calls()), "\n") }

// wantJournal compares all calls the participants got, in the order they came.
func (s *scene) wantJournal(want ...string) {
	s.Helper()
	if got := s.journal(); got != strings.Join(want, "\n") {
		s.Errorf("want the calls\n%s\ngot\n%s", strings.Join(want, "\n"), got)
	}
}

// wantSuffix compares the last calls.
func (s *scene) wantSuffix(want ...string) {
	s.Helper()
	if got := s.journal(); !strings.HasSuffix("\n"+got, "\n"+strings.Join(want, "\n")) {
		s.Errorf("want the last calls to be\n%s\ngot\n%s", strings.Join(want, "\n"), got)
	}
}

func names(calls []participant.Call) []string {
	lines := []string{}
	for _, call := range calls {
		lines = append(lines, call.Endpoint+" "+call.Name())
	}
	return lines
}

// one is the only call of an endpoint.
func (s *scene) one(endpoint string) participant.Call {
	s.Helper()
	calls := s.callsOf(endpoint)
	if len(calls) != 1 {
		s.Fatalf("want one call of %s, got %d; journal:\n%s", endpoint, len(calls), s.journal())
	}
	return calls[0]
}

func (s *scene) callsOf(endpoint string) []participant.Call {
	calls := []participant.Call{}
	for _, call := range s.at.Calls() {
		if call.Endpoint == endpoint {
			calls = append(calls, call)
		}
	}
	return calls
}

// wantAfter says that a call began only when all of the others had ended.
func (s *scene) wantAfter(later string, earlier ...string) {
	s.Helper()
	for _, endpoint := range earlier {
		if first, second := s.one(endpoint), s.one(later); first.Ended == 0 || second.Began < first.Ended {
			s.Errorf("%s began before %s had ended: %s", later, endpoint, span(first, second))
		}
	}
}

func span(calls ...participant.Call) string {
	parts := []string{}
	for _, call := range calls {
		parts = append(parts, fmt.Sprintf("%s %d–%d", call.Endpoint, call.Began, call.Ended))
	}
	return strings.Join(parts, ", ")
}

// wantCalls compares how often each endpoint was called, where calls may come in any order.
func (s *scene) wantCalls(want map[string]int) {
	s.Helper()
	got := map[string]int{}
	for _, call := range s.at.Calls() {
		got[call.Endpoint]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("want the calls %v, got %v", want, got)
	}
}
