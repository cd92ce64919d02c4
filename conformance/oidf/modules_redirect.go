package oidf

import (
	"net/http"
)

// redirectModules are about redirect URIs, which are compared letter by letter.
func redirectModules() []Module {
	c := []Clause{core("3.1.2.1"), rfc("3986", "6.2.1")}
	return []Module{
		{
			Name: "oidcc-ensure-redirect-uri-in-authorization-request", Summary: "Registers two redirect URIs and names none of them in the request.", Clauses: []Clause{core("3.1.2.1"), rfc("6749", "3.1.2.3")},
			Run: func(r *Run) {
				r.Use(r.Register(Metadata{"redirect_uris": []string{r.RedirectURI(), r.RedirectURI() + "/2"}}))
				r.ErrorPage(r.Visit(r.Request(Without("redirect_uri"))), core("3.1.2.1"))
			},
		},
		{
			Name: "oidcc-redirect-uri-query-OK", Summary: "Registers a redirect URI with a query, which stays.", Clauses: []Clause{core("3.1.2.1"), rfc("6749", "3.1.2")},
			Run: func(r *Run) {
				uri := r.RedirectURI() + "?foo=bar"
				r.Use(r.Register(Metadata{"redirect_uris": []string{uri}}))
				f := r.SignIn(With("redirect_uri", uri))
				r.Check(f.Answer.Arrival.Query.Get("foo") == "bar", rfc("6749", "3.1.2"), "the query of the redirect URI is there when the person comes back")
			},
		},
		{
			Name: "oidcc-redirect-uri-query-mismatch", Summary: "Registers a redirect URI with a query, and asks for another query.", Clauses: c,
			Run: func(r *Run) {
				r.Use(r.Register(Metadata{"redirect_uris": []string{r.RedirectURI() + "?foo=bar"}}))
				r.ErrorPage(r.Visit(r.Request(With("redirect_uri", r.RedirectURI()+"?bar=foo"))), core("3.1.2.1"))
			},
		},
		{
			Name: "oidcc-redirect-uri-query-added", Summary: "Registers a redirect URI without a query, and adds one.", Clauses: c,
			Run: func(r *Run) {
				r.Use(r.Register(nil))
				r.ErrorPage(r.Visit(r.Request(With("redirect_uri", r.RedirectURI()+"?foo=bar"))), core("3.1.2.1"))
			},
		},
		{
			Name: "oidcc-redirect-uri-regfrag", Summary: "Tries to register a redirect URI with a fragment.", Clauses: []Clause{rfc("6749", "3.1.2"), registration("3.3")},
			Run: func(r *Run) {
				r.registrationError(Metadata{"redirect_uris": []string{r.RedirectURI() + "#foobar"}}, rfc("6749", "3.1.2"), "invalid_redirect_uri", "invalid_client_metadata")
			},
		},
	}
}

// registrationError sends a registration that must be refused. The first of the
// codes is the right one; another deserves a warning.
func (r *Run) registrationError(changes Metadata, c Clause, codes ...string) {
	res := r.TryRegister(r.RegistrationMetadata(changes))
	o, err := res.Object()
	if res.Status == http.StatusCreated && err == nil {
		m := Metadata(o)
		r.Unregister(&Client{registrationURI: m.Text("registration_client_uri"), registrationToken: m.Text("registration_access_token")})
		r.Fatal(c, "the registration is refused; it is granted")
	}
	r.Check(res.Status == http.StatusBadRequest, registration("3.3"), "the registration is answered with 400; it is %d", res.Status)
	if err != nil || !res.isJSON() {
		r.Fatal(registration("3.3"), "the answer is application/json: %v", err)
	}
	code, _ := o["error"].(string)
	for i, want := range codes {
		switch {
		case code != want:
		case i == 0:
			r.Pass(registration("3.3"), "the error is %s", want)
			return
		default:
			r.Warn(registration("3.3"), "the error says %s, where %s is more to the point", code, codes[0])
			return
		}
	}
	r.Fail(registration("3.3"), "the error is %s; it is %q", codes[0], code)
}
