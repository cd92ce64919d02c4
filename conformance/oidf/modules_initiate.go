package oidf

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// initiateModules are about sign-ins that begin elsewhere than at the application
// (OpenID Connect Core 1.0, section 4).
func initiateModules() []Module {
	return []Module{
		{
			Name: "oidcc-3rd_party-init-login", Summary: "Registers initiate_login_uri, lets a person begin at the OP, and signs in from there.",
			Clauses: []Clause{core("4"), registration("2"), rfc("7592", "2.1")},
			Run:     initiateLogin,
		},
		{
			Name: "oidcc-3rd_party-init-login-nohttps", Summary: "Registers an initiate_login_uri that is not https.",
			Clauses: []Clause{core("4"), registration("2")},
			Run: func(r *Run) {
				uri := strings.Replace(r.initiateURI(), "https://", "http://", 1)
				r.refusedRegistration(Metadata{"initiate_login_uri": uri}, registration("2"), "invalid_client_metadata")
			},
		},
	}
}

// initiateURI is below our own base, where the browser stops.
func (r *Run) initiateURI() string {
	return strings.TrimSuffix(r.RedirectURI(), "callback") + "initiate_login?from=" + strings.ToLower(random())
}

func initiateLogin(r *Run) {
	uri := r.initiateURI()
	if !strings.HasPrefix(uri, "https://") {
		r.Skip("initiate_login_uri must be https; give the suite such a --base-url")
	}
	c := r.Register(Metadata{"initiate_login_uri": uri})
	r.Use(c)
	r.Check(c.Metadata.Text("initiate_login_uri") == uri, registration("3.2"), "the registration's answer has initiate_login_uri as it was sent")
	r.readRegistration(c, uri)
	start := r.Config.Extension.ApplicationStart
	if start == "" {
		r.Log("nobody begins at the OP: its specification does not say where one does; put the address into extension.application_start of the configuration, with {client_id} in it")
		return
	}
	first := r.SignIn() // an OP may send people only to applications that they know
	r.NewBrowser()
	address := strings.ReplaceAll(start, "{client_id}", url.PathEscape(c.ID))
	a := r.Walk(nil, address, func(address string) error { return r.Browser.Open(r.ctx, address) })
	hint := r.initiated(a, uri)
	second := r.SignIn(hint...)
	r.mustAct(second.Answer, core("4"), false)
	r.samePerson(first, second)
}

// readRegistration reads the client's configuration, where the OP told how (RFC
// 7592, section 2.1).
func (r *Run) readRegistration(c *Client, uri string) {
	if c.registrationURI == "" {
		r.Log("the OP does not say where the registration can be read again, and need not (RFC 7592)")
		return
	}
	req, err := newRequest(r.ctx, http.MethodGet, c.registrationURI, nil)
	if err != nil {
		r.Fatal(rfc("7592", "3"), "registration_client_uri: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.registrationToken)
	res := r.Send(req)
	o, err := res.Object()
	if !r.Check(res.Status == http.StatusOK && err == nil, rfc("7592", "3"), "the registration can be read; the answer is %d (%v)", res.Status, err) {
		return
	}
	r.Check(o["initiate_login_uri"] == uri, rfc("7592", "3"), "the registration still has initiate_login_uri")
	if t := Metadata(o).Text("registration_access_token"); t != "" {
		c.registrationToken = t // RFC 7592, section 3: it may be a new one
	}
}

// initiated checks how the OP sent the person to initiate_login_uri, and returns
// what the authorization request must say for it.
func (r *Run) initiated(a Answer, uri string) (hint []Change) {
	if a.Arrival == nil {
		r.Fatal(core("4"), "the browser is sent to initiate_login_uri; it stands at %v", a.Page)
	}
	registered, err := url.Parse(uri)
	if err != nil {
		r.Fatal(journey, "%v", err)
	}
	at := a.Arrival.URL
	r.Check(at.Scheme == registered.Scheme && at.Host == registered.Host && at.Path == registered.Path, core("4"), "the browser is sent to initiate_login_uri")
	params := a.Arrival.Query
	for name, values := range a.Arrival.Form {
		params[name] = append(params[name], values...)
	}
	r.Check(slices.Equal(a.Arrival.URL.Query()["from"], registered.Query()["from"]), core("4"), "the query that was registered is still there")
	r.Check(slices.Equal(params["iss"], []string{r.Issuer}), core("4"), "iss is the issuer, once")
	if target := params.Get("target_link_uri"); target != "" {
		r.checkURL(target, "target_link_uri", core("4"))
	}
	for name := range params {
		if !slices.Contains([]string{"iss", "login_hint", "target_link_uri", "from"}, name) {
			r.Warn(core("4"), "the request to initiate_login_uri has the unexpected parameter %s", name)
		}
	}
	if h := params.Get("login_hint"); h != "" {
		hint = append(hint, With("login_hint", h))
	}
	return hint
}

// refusedRegistration checks that a registration with the changes is refused with
// one of the errors.
func (r *Run) refusedRegistration(changes Metadata, c Clause, codes ...string) {
	res := r.TryRegister(r.RegistrationMetadata(changes))
	o, err := res.Object()
	if res.Status == http.StatusCreated && err == nil {
		m := Metadata(o)
		r.Cleanup(func() {
			r.Unregister(&Client{registrationURI: m.Text("registration_client_uri"), registrationToken: m.Text("registration_access_token")})
		})
	}
	if !r.Check(res.Status == http.StatusBadRequest && err == nil, registration("3.3"), "the registration is refused with 400 and a JSON error; it is %d (%v)", res.Status, err) {
		return
	}
	code, _ := o["error"].(string)
	r.Check(slices.Contains(codes, code), c, "the error is %s; it is %q", strings.Join(codes, " or "), code)
}
