package turn

import "net/netip"

// account counts what one user holds.
type account struct {
	name string
	held int
}

// ledger counts allocations and reserved ports by user, by address and in all (R-TURN-3). Who holds nothing is not in it.
type ledger struct {
	accounts map[string]*account
	sources  map[netip.Addr]int
	total    int
}

func newLedger() ledger {
	return ledger{accounts: make(map[string]*account), sources: make(map[netip.Addr]int)}
}

// charge is one thing that is held.
type charge struct {
	account *account
	source  netip.Addr
}

// full tells whether one thing more is over a quota of the user or the address, and over that of the server.
func (l *ledger) full(q *Quotas, name string, client netip.Addr, more int) (own, total bool) {
	held := 0
	if a := l.accounts[name]; a != nil {
		held = a.held
	}
	own = over(held+more, q.PerUser) || over(l.sources[source(client)]+more, q.PerIP)
	return own, over(l.total+more, q.Total)
}

func over(n, limit int) bool { return limit > 0 && n > limit }

func (l *ledger) hold(name string, client netip.Addr) charge {
	a := l.accounts[name]
	if a == nil {
		a = &account{name: name}
		l.accounts[name] = a
	}
	a.held++
	l.total++
	c := charge{account: a, source: source(client)}
	l.sources[c.source]++
	return c
}

func (l *ledger) release(c charge) {
	c.account.held--
	if c.account.held == 0 {
		delete(l.accounts, c.account.name)
	}
	l.sources[c.source]--
	if l.sources[c.source] == 0 {
		delete(l.sources, c.source)
	}
	l.total--
}

// source is what a quota per address counts: of IPv6 the /64, which is what one customer gets at least.
func source(client netip.Addr) netip.Addr {
	if client.Is4() {
		return client
	}
	p, _ := client.WithZone("").Prefix(64)
	return p.Addr()
}
