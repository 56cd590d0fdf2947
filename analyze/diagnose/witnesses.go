package diagnose

import "gmptrace/analyze/replay"

// witnesses know what Ps did while goroutines waited: for one of them, for a timer,
// or for the network.
type witnesses struct {
	blame    *blame
	sleepers *sleepers
	readers  *readers
}

func newWitnesses(s *replay.Session) witnesses {
	return witnesses{replay.Shared(s, newBlame), replay.Shared(s, newSleepers), replay.Shared(s, newReaders)}
}

// attribute is how much of what the symptoms cost passed while the P did one of
// these things.
func (r *witnesses) attribute(kinds ...pDid) Explained {
	late, unread, x := sumBusy(r.sleepers.regular()), sumBusy(r.readers.regular()), Explained{}
	for _, k := range kinds {
		x["starvation"] += r.blame.starved[k]
		x["overload"] += r.blame.starved[k]
		x["global-queue"] += r.blame.global[k]
		x["timers"] += late[k]
		x["netpoll"] += unread[k]
	}
	return x
}
