package simulate

// Jobs: goroutines that wait at one place for what they are given to do are as good as
// each other, so that a job goes to whoever is free, and waits where nobody is.

// Station is a place where goroutines wait for jobs.
type Station struct {
	// Workers is how many goroutines there are to be, 0 for as many as come. Where fewer
	// come the first of them counts for all that lack; who comes beyond ends.
	Workers int
	Coming  int // how many come, if Workers says another number
}

// attendance is who and what waits at a Station of a simulation.
type attendance struct {
	queue []int32 // jobs that wait; those before head are gone
	head  int
	free  []int32 // where the goroutines that are free ran last
	came  int
	given int // jobs
	peak  int // of those that wait
}

func (x *attendance) next() (job int32, ok bool) {
	if x.head == len(x.queue) {
		x.queue, x.head = x.queue[:0], 0
		return 0, false
	}
	job = x.queue[x.head]
	x.head++
	return job, true
}

// pileLeast is how many jobs wait at a station at the least for them to be a pile.
const pileLeast = 16

// piled is the greatest share of a station's jobs that waited there at once.
func (s *sim) piled() float64 {
	share := 0.0
	for i := range s.stations {
		if x := &s.stations[i]; x.peak >= pileLeast {
			share = max(share, float64(x.peak)/float64(x.given))
		}
	}
	return share
}

// need makes a job be done though nobody is free, as one of those who are not waits for it.
func (s *sim) need(p, job int32) {
	g := &s.gs[job]
	switch {
	case g.state == gNone:
		g.needed = true
	case g.waits:
		g.waits = false
		g.p = p
		s.ready(p, job)
	}
}

// unstick begins a job that waits for somebody to be free, where nothing else goes on: in
// another order than the recorded one, those who are not may wait for what it does.
func (s *sim) unstick() bool {
	for i := range s.stations {
		if job, ok := s.nextOf(i); ok {
			s.gs[job].p = 0
			s.ready(-1, job)
			return true
		}
	}
	woken := s.stuck()
	for _, gi := range woken {
		s.ready(-1, gi)
	}
	return len(woken) > 0
}

// nextOf is the next job that waits at a station.
func (s *sim) nextOf(n int) (job int32, ok bool) {
	for {
		if job, ok = s.stations[n].next(); !ok || s.gs[job].waits {
			if ok {
				s.gs[job].waits = false
			}
			return job, ok
		}
	}
}

// given takes a job for its station, and reports whether somebody is free to do it.
func (s *sim) given(job int32) bool {
	x := &s.stations[s.w.Gs[job-1].Station]
	g := &s.gs[job]
	if g.state != gNone {
		return false
	}
	x.given++
	n := len(x.free) - 1
	switch {
	case n < 0 && g.needed:
		g.p = 0
		return true
	case n < 0:
		g.state, g.waits = gBlocked, true
		x.queue = append(x.queue, job)
		x.peak = max(x.peak, len(x.queue)-x.head)
		return false
	}
	g.p = x.free[n]
	x.free = x.free[:n]
	return true
}

// joins takes a goroutine that ran last on p as one that does jobs of a station, and returns
// the job that it does, 0 if there is none or it is not wanted.
func (s *sim) joins(n int, p int32) int32 {
	x, is := &s.stations[n], &s.w.Stations[n]
	x.came++
	if is.Workers > 0 {
		if x.came > is.Workers {
			return 0
		}
		if x.came == 1 {
			for range is.Workers - is.Coming {
				if job := s.frees(n, p); job != 0 {
					s.gs[job].p = p
					s.ready(p, job)
				}
			}
		}
	}
	return s.frees(n, p)
}

// frees is that one of a station's goroutines, which ran last on p, has nothing to do, and
// returns the job that it does next, 0 if there is none.
func (s *sim) frees(n int, p int32) int32 {
	x := &s.stations[n]
	if job, ok := s.nextOf(n); ok {
		return job
	}
	x.free = append(x.free, p)
	return 0
}

// follows is the job that the goroutine does next, on p, that has come to the end of gi's
// steps, 0 if there is none.
func (s *sim) follows(gi int32, offers int, p int32) int32 {
	switch w := &s.w.Gs[gi-1]; {
	case offers >= 0:
		return s.joins(offers, p)
	case w.Job && !w.Last:
		return s.frees(int(w.Station), p)
	}
	return 0
}
