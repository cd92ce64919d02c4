package oidf

import (
	"fmt"
	"slices"
	"strings"
)

// Module is one test. Its name is the one that the OpenID Foundation's suite has
// for it.
type Module struct {
	Name    string
	Summary string   // what it does and expects, one sentence
	Clauses []Clause // what it is about
	Run     func(*Run)
}

// Plan is a list of modules, run once for each variant. Its name is the one that
// the OpenID Foundation's suite has for it.
type Plan struct {
	Name     string
	Short    string // of --plan: "basic"
	Variants []Variant
	Modules  []Member
}

// Member is a module's place in a plan.
type Member struct {
	Module string
	// Only are the response types with which the module runs; nil: all of the plan.
	Only []string
	// Static and Dynamic hold the module to one kind of client registration.
	Static, Dynamic bool
}

// The kinds of client registration, as the official suite calls them.
const (
	StaticClient  = "static_client"
	DynamicClient = "dynamic_client"
)

// Variant is one way to run a plan.
type Variant struct {
	ResponseType string `json:"response_type"`
	// ResponseMode is default or form_post.
	ResponseMode string `json:"response_mode"`
	// ClientAuth is how the client authenticates at the token endpoint.
	ClientAuth string `json:"client_auth_type"`
	// Registration is StaticClient or DynamicClient; "": no client is needed.
	Registration string `json:"client_registration"`
}

// String is the variant in one word for names of tests.
func (v Variant) String() string {
	return strings.Join([]string{strings.ReplaceAll(v.ResponseType, " ", "+"), v.ResponseMode, v.ClientAuth, v.Registration}, ",")
}

// has tells whether the response type has the part: code, id_token or token.
func (v Variant) has(part string) bool {
	return slices.Contains(strings.Fields(v.ResponseType), part)
}

// members are the modules of the names, in all variants.
func members(names ...string) []Member {
	out := make([]Member, len(names))
	for i, name := range names {
		out[i] = Member{Module: name}
	}
	return out
}

// Plans are the plans, in the order of the issue of certifications.
func Plans() []Plan {
	return []Plan{
		basicPlan(),
		implicitPlan(),
		hybridPlan(),
		configPlan(),
		dynamicPlan(),
		formPostBasicPlan(),
		formPostImplicitPlan(),
		formPostHybridPlan(),
		rpLogoutPlan(),
		sessionPlan(),
		frontchannelPlan(),
		backchannelPlan(),
		initiatePlan(),
	}
}

// Modules are all modules by name.
func Modules() map[string]Module {
	all := map[string]Module{}
	for _, table := range [][]Module{
		basicModules(), promptModules(), scopeModules(), codeModules(), requestModules(),
		discoveryModules(), redirectModules(), registrationModules(), keyModules(),
		logoutModules(), sessionModules(), frontchannelModules(), backchannelModules(), initiateModules(),
	} {
		for _, m := range table {
			all[m.Name] = m
		}
	}
	return all
}

// FindPlan is the plan with the name or the short name.
func FindPlan(name string) (Plan, error) {
	var known []string
	for _, p := range Plans() {
		if p.Short == name || p.Name == name {
			return p, nil
		}
		known = append(known, p.Short)
	}
	return Plan{}, fmt.Errorf("there is no plan %q; there are: %s", name, strings.Join(known, ", "))
}

// Runs are the modules of the plan that run in the variant.
func (p Plan) Runs(v Variant) []Module {
	all := Modules()
	var out []Module
	for _, m := range p.Modules {
		if m.Only != nil && !slices.Contains(m.Only, v.ResponseType) ||
			m.Static && v.Registration != StaticClient || m.Dynamic && v.Registration != DynamicClient {
			continue
		}
		out = append(out, all[m.Module])
	}
	return out
}

// Registered is the plan with another kind of client registration in its
// variants, but for those that need no client.
func (p Plan) Registered(kind string) Plan {
	p.Variants = slices.Clone(p.Variants)
	for i := range p.Variants {
		if p.Variants[i].Registration != "" {
			p.Variants[i].Registration = kind
		}
	}
	return p
}
