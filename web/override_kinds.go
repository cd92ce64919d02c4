package web

import (
	"html/template"
	"reflect"
	"strings"
	tree "text/template/parse"

	"idbroker/i18n"
)

// pageKinds are all pages there are, one of each.
func pageKinds() []page {
	return []page{
		&applicationsPage{}, &askCodePage{}, &choosePage{}, &claimPage{}, &codePage{}, &confirmPage{}, &consentPage{},
		&dataPage{}, &devicesPage{}, &emailPage{}, &errorPage{}, &factorPage{}, &formPostPage{}, &homePage{}, &linkPage{}, &linkedAccountsPage{},
		&loggedOutPage{}, &loginPage{}, &logoutPage{}, &lostPasswordPage{}, &passkeyPage{}, &passkeysPage{}, &profilePage{}, &proofPage{}, &provedPage{},
		&recoveryCodesPage{}, &resetPage{}, &secondFactorPage{}, &securityPage{}, &sentPage{}, &setUpFactorPage{}, &signupPage{}, &usernamePage{},
	}
}

// keyed are the methods whose first argument is a key of the catalogs.
var keyed = map[string]bool{"T": true, "N": true, "Rich": true}

// names tells whether a template uses only fields and methods that some page has,
// and texts that the catalogs have, also where no example leads.
func (c *pageCheck) names(file string, theirs templates) bool {
	known := c.r.words()
	ok := true
	seen := map[string]bool{}
	for name, parsed := range theirs {
		if !strings.HasPrefix(file, "_") && name+".html" != file {
			continue
		}
		t, err := parsed()
		if err != nil {
			continue // told when they were all parsed
		}
		for _, part := range t.Templates() {
			if part.Tree == nil || part.Tree.ParseName != file {
				continue
			}
			i18n.Inspect(part.Tree.Root, func(n tree.Node) {
				var idents []string
				switch n := n.(type) {
				case *tree.FieldNode:
					idents = n.Ident
				case *tree.VariableNode:
					idents = n.Ident[1:]
				case *tree.ChainNode:
					idents = n.Field
				case *tree.CommandNode:
					c.key(file, part, n, seen)
				}
				for _, ident := range idents {
					if !known[ident] && !seen[ident] {
						seen[ident], ok = true, false
						c.add(file, placeOf(part, n), "there is no .%s on any page", ident)
					}
				}
			})
		}
	}
	return ok
}

// key looks at the key of a text that a template says.
func (c *pageCheck) key(file string, part *template.Template, n *tree.CommandNode, seen map[string]bool) {
	if len(n.Args) < 2 {
		return
	}
	says := ""
	switch of := n.Args[0].(type) {
	case *tree.FieldNode:
		says = of.Ident[len(of.Ident)-1]
	case *tree.VariableNode:
		says = of.Ident[len(of.Ident)-1]
	}
	if text, ok := n.Args[1].(*tree.StringNode); ok && keyed[says] && !c.cat.Has(text.Text) && !seen["key "+text.Text] {
		seen["key "+text.Text] = true
		c.add(file, placeOf(part, n), "no catalog has the text %q; texts of your own begin with \"custom.\" and stand in catalog/en.json", text.Text)
	}
}

// placeOf is the line of a node.
func placeOf(part *template.Template, n tree.Node) int {
	location, _ := part.Tree.ErrorContext(n)
	line, _ := templateError(part.Tree.ParseName, errorText("template: "+location+": "))
	return line
}

type errorText string

func (e errorText) Error() string { return string(e) }

// words are the names of all fields and methods that templates can reach.
func (r *renderer) words() map[string]bool {
	known, seen := map[string]bool{}, map[reflect.Type]bool{}
	var reach func(t reflect.Type)
	reach = func(t reflect.Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumMethod() {
			m := t.Method(i)
			known[m.Name] = true
			for j := range m.Type.NumOut() {
				reach(m.Type.Out(j))
			}
		}
		switch t.Kind() {
		case reflect.Pointer:
			reach(t.Elem())
		case reflect.Slice, reflect.Array, reflect.Map:
			reach(t.Elem())
		case reflect.Struct:
			reach(reflect.PointerTo(t))
			for i := range t.NumField() {
				if f := t.Field(i); f.IsExported() || f.Anonymous {
					known[f.Name] = f.IsExported()
					reach(f.Type)
				}
			}
		}
	}
	for _, p := range pageKinds() {
		reach(reflect.TypeOf(p))
	}
	for _, f := range r.funcs() {
		for i := range reflect.TypeOf(f).NumOut() {
			reach(reflect.TypeOf(f).Out(i))
		}
	}
	return known
}
