package replay

// Cut makes the watchers be told what the model has found out after as many events as
// cut says each time.
func (o Options) Cut(cut func() int) Options {
	o.cut = cut
	return o
}

// Watchers are the session's, in the order in which they are told.
func (s *Session) Watchers() []Watcher { return s.watchers }
