package model

const (
	idPageBits = 6
	idPageSize = 1 << idPageBits

	// So many pages are free of charge; beyond them there must be so many ids for
	// each, in pages or not: ids far apart do not size memory.
	idPagesFree = 1 << 10
	idPageFill  = idPageSize / 8
)

// idTable finds slots by goroutine id. Ids are given out in order and those that
// live together are mostly neighbours, so that they share pages; those without
// enough neighbours stand in a map.
type idTable struct {
	pages  map[uint64]*idPage
	recent [256]*idPage // direct-mapped over pages
	spare  []*idPage
	paged  int // ids in pages
	others map[GoID]gref
}

// idPage is the slots of ids that have all but their last bits in common.
type idPage struct {
	key   uint64
	used  int
	slots [idPageSize]gref
}

func newIDTable() idTable {
	return idTable{pages: map[uint64]*idPage{}, others: map[GoID]gref{}}
}

func (t *idTable) len() int { return t.paged + len(t.others) }

// page is id's page, nil if there is none.
func (t *idTable) page(id GoID) *idPage {
	key := uint64(id) >> idPageBits
	recent := &t.recent[key%uint64(len(t.recent))]
	if p := *recent; p != nil && p.key == key {
		return p
	}
	p := t.pages[key]
	if p != nil {
		*recent = p
	}
	return p
}

// get is id's slot, 0 for none.
func (t *idTable) get(id GoID) gref {
	if p := t.page(id); p != nil {
		if r := p.slots[uint64(id)%idPageSize]; r != 0 {
			return r
		}
	}
	if len(t.others) == 0 {
		return 0
	}
	return t.others[id]
}

// set adds id, which must not be there.
func (t *idTable) set(id GoID, r gref) {
	p := t.page(id)
	if p == nil {
		if len(t.pages) >= idPagesFree+t.len()/idPageFill {
			t.others[id] = r
			return
		}
		p = t.addPage(uint64(id) >> idPageBits)
	}
	p.slots[uint64(id)%idPageSize] = r
	p.used++
	t.paged++
}

func (t *idTable) addPage(key uint64) *idPage {
	var p *idPage
	if n := len(t.spare); n > 0 {
		p, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		p = new(idPage)
	}
	p.key = key
	t.pages[key] = p
	return p
}

// remove takes id out.
func (t *idTable) remove(id GoID) {
	p := t.page(id)
	if p == nil || p.slots[uint64(id)%idPageSize] == 0 {
		delete(t.others, id)
		return
	}
	p.slots[uint64(id)%idPageSize] = 0
	p.used--
	t.paged--
	if p.used > 0 {
		return
	}
	delete(t.pages, p.key)
	if recent := &t.recent[p.key%uint64(len(t.recent))]; *recent == p {
		*recent = nil
	}
	t.spare = append(t.spare, p)
}
