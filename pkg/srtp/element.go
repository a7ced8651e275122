package srtp

import "math/bits"

// element is a member of GF(2^128) as GCM writes it: a polynomial modulo x^128 + x^7 + x^2 + x + 1 whose
// constant coefficient is the most significant bit of hi (NIST SP 800-38D section 6.3).
type element struct{ hi, lo uint64 }

// reduction is x^7 + x^2 + x + 1 in the upper half of an element.
const reduction = 0xe1 << 56

func (a element) isZero() bool { return a.hi|a.lo == 0 }

func (a element) isOne() bool { return a.hi == 1<<63 && a.lo == 0 }

func (a element) plus(b element) element { return element{a.hi ^ b.hi, a.lo ^ b.lo} }

// timesX multiplies by x: coefficients move towards the least significant bit.
func (a element) timesX() element {
	over := -(a.lo & 1)
	return element{a.hi>>1 ^ over&reduction, a.hi<<63 | a.lo>>1}
}

// overX divides by x: if there is a constant coefficient, the modulus is added first to cancel it.
func (a element) overX() element {
	odd := -(a.hi >> 63)
	a.hi ^= odd & reduction
	return element{a.hi<<1 | a.lo>>63, a.lo<<1 | odd&1}
}

// times multiplies bit by bit, in a time that does not depend on the operands.
func (a element) times(b element) element {
	var z element
	for _, word := range [2]uint64{a.hi, a.lo} {
		for range 64 {
			mask := -(word >> 63)
			z.hi ^= b.hi & mask
			z.lo ^= b.lo & mask
			word <<= 1
			b = b.timesX()
		}
	}
	return z
}

// degree returns the exponent of the highest power; a is not zero.
func (a element) degree() int {
	if a.lo != 0 {
		return 127 - bits.TrailingZeros64(a.lo)
	}
	return 63 - bits.TrailingZeros64(a.hi)
}

// inverse returns 1/a by the binary form of Euclid's algorithm for polynomials; a is not zero.
// It keeps a·g = u and a·h = v, and lowers the degrees of u and v until one of them is 1.
func (a element) inverse() element {
	u, g := oddPart(a, element{hi: 1 << 63})
	// v starts as the modulus, which has one coefficient too many for an element, so its first step is done
	// by hand: (modulus + u)/x is what overX gives for an odd u.
	v, h := u.overX(), g.overX()
	for !u.isOne() {
		v, h = oddPart(v, h)
		if v.degree() < u.degree() {
			u, g, v, h = v, h, u, g
		}
		v, h = v.plus(u), h.plus(g)
	}
	return g
}

// oddPart divides u by x until it has a constant coefficient, and g along with it in the field.
func oddPart(u, g element) (element, element) {
	for u.hi>>63 == 0 {
		u = element{u.hi<<1 | u.lo>>63, u.lo << 1}
		g = g.overX()
	}
	return u, g
}
