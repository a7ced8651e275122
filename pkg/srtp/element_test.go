package srtp

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func drawElement(t *rapid.T, name string) element {
	return element{rapid.Uint64().Draw(t, name+".hi"), rapid.Uint64().Draw(t, name+".lo")}
}

// TestElementVector multiplies the values of test case 2 of the GCM specification (McGrew and Viega, appendix B):
// X1 = C·H, and GHASH = (X1 + length block)·H.
func TestElementVector(t *testing.T) {
	h := element{0x66e94bd4ef8a2c3b, 0x884cfa59ca342b2e}
	x1 := element{0x0388dace60b6a392, 0xf328c2b971b2fe78}.times(h)
	if want := (element{0x5e2ec74691706288, 0x2c85b0685353deb7}); x1 != want {
		t.Errorf("X1 = %x, want %x", x1, want)
	}
	ghash := x1.plus(element{lo: 0x80}).times(h)
	if want := (element{0xf38cbb1ad69223dc, 0xc3457ae5b6b0f885}); ghash != want {
		t.Errorf("GHASH = %x, want %x", ghash, want)
	}
}

func TestElementField(t *testing.T) {
	one := element{hi: 1 << 63}
	x := one.timesX()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawElement(t, "a"), drawElement(t, "b"), drawElement(t, "c")
		if a.times(one) != a {
			t.Error("a·1 is not a")
		}
		if a.times(b) != b.times(a) {
			t.Error("a·b is not b·a")
		}
		if a.times(b.plus(c)) != a.times(b).plus(a.times(c)) {
			t.Error("a·(b+c) is not a·b + a·c")
		}
		if a.times(b).times(c) != a.times(b.times(c)) {
			t.Error("(a·b)·c is not a·(b·c)")
		}
		if a.times(x) != a.timesX() || a.timesX().overX() != a {
			t.Error("timesX and overX disagree with times")
		}
		if !a.isZero() && !a.times(a.inverse()).isOne() {
			t.Error("a·(1/a) is not 1")
		}
	})
}

// TestInverseOfPowers covers elements with a single coefficient, where the degrees in Euclid's algorithm drop by surprise.
func TestInverseOfPowers(t *testing.T) {
	a := element{hi: 1 << 63}
	for i := range 128 {
		if !a.times(a.inverse()).isOne() {
			t.Errorf("x^%d has a wrong inverse", i)
		}
		a = a.timesX()
	}
}

func BenchmarkInverse(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		element{rng.Uint64(), rng.Uint64() | 1}.inverse()
	}
}
