package simulate

// Room is the memory of a simulation, for the next one to take: of a program with many
// goroutines that does little with each, getting memory anew, and collecting it, costs as
// much as the simulation itself.
type Room struct {
	gs             []gor
	timers, sleeps []timer
	stations       []attendance
	due, dueNet    []due
}

// enter takes the room, or a new one.
func (s *sim) enter() {
	if s.cfg.Room == nil {
		s.cfg.Room = &Room{}
	}
	r := s.cfg.Room
	s.gs, s.stations = sized(r.gs, len(s.w.Gs)+1), sized(r.stations, len(s.w.Stations))
	s.gs[0] = gor{}
	for i := range s.stations {
		x := &s.stations[i]
		*x = attendance{queue: x.queue[:0], free: x.free[:0]}
	}
	s.timers.heap, s.sleeps.heap = r.timers[:0], r.sleeps[:0]
	s.due, s.dueNet = r.due[:0], r.dueNet[:0]
}

// leave gives back what it has become.
func (s *sim) leave() {
	*s.cfg.Room = Room{s.gs, s.timers.heap, s.sleeps.heap, s.stations, s.due, s.dueNet}
}

// sized is room for n, with what was there before in it.
func sized[T any](l []T, n int) []T {
	if n > cap(l) {
		return make([]T, n)
	}
	return l[:n]
}
