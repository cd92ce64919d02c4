package providertest

import "maps"

// Without returns p without some claims.
func (p Person) Without(names ...string) Person {
	p.Claims = maps.Clone(p.Claims)
	for _, n := range names {
		delete(p.Claims, n)
	}
	return p
}

// With returns p with another value of a claim.
func (p Person) With(name string, value any) Person {
	p.Claims = maps.Clone(p.Claims)
	if p.Claims == nil {
		p.Claims = map[string]any{}
	}
	p.Claims[name] = value
	return p
}
