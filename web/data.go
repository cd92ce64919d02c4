package web

import (
	"encoding/json"
	"net/http"
)

// dataPage is what the person can do with all that we know of them:
// templates/data.html, at /account/settings/data/. It posts nothing to
// /account/settings/data/export/, which answers with a file.
type dataPage struct{ base }

func (dataPage) template() string { return "data" }

// exportFile is what a browser calls the file.
const exportFile = "account.json"

// getData serves GET /account/settings/data/.
func (s *Server) getData(w http.ResponseWriter, r *http.Request) error {
	p := dataPage{base: s.base(r)}
	p.Section = "data"
	return s.show(w, r, http.StatusOK, &p)
}

// postExport serves POST /account/settings/data/export/: all that we know of the
// person, as a file. It is a POST, so that no link and no other site fetches it.
func (s *Server) postExport(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(dataPath))
	}
	e, err := s.accounts.Export(r.Context(), v.session)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+exportFile+`"`)
	_, err = w.Write(append(body, '\n'))
	return err
}
