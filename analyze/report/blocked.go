package report

import "gmptrace/model"

// BlockedKind is what goroutines that are blocked have in common, of several reasons of the
// runtime's. It is the one table of that.
type BlockedKind string

// The kinds.
const (
	BlockedLock      BlockedKind = "lock" // a wait group, a condition variable
	BlockedChannel   BlockedKind = "channel"
	BlockedNetwork   BlockedKind = "network"
	BlockedSleep     BlockedKind = "sleep"
	BlockedCollector BlockedKind = "gc"
	BlockedOther     BlockedKind = "other"
)

var blockedReasons = map[BlockedKind][]model.Reason{
	BlockedLock:      {model.ReasonSync, model.ReasonCond},
	BlockedChannel:   {model.ReasonChanSend, model.ReasonChanRecv, model.ReasonSelect},
	BlockedNetwork:   {model.ReasonNetwork},
	BlockedSleep:     {model.ReasonSleep},
	BlockedCollector: {model.ReasonAssist, model.ReasonUntilGCEnds, model.ReasonSweep, model.ReasonWeakToStrong},
}

// Reasons are those of a kind, none of BlockedOther.
func (b BlockedKind) Reasons() []model.Reason { return blockedReasons[b] }

// BlockedOn is the kind of a reason.
func BlockedOn(r model.Reason) BlockedKind { return kindOfReason[r] }

var kindOfReason = func() (of [model.NumReasons]BlockedKind) {
	for r := range of {
		of[r] = BlockedOther
	}
	for b, reasons := range blockedReasons {
		for _, r := range reasons {
			of[r] = b
		}
	}
	return of
}()
