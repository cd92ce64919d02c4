// Package web is the face of the broker: pages, forms, sessions and redirects.
// It decides nothing about identities (package linking), accounts (package
// local) or tokens (package tokens): it reads a request, asks them, and shows
// or redirects.
//
// A person's way in is a broker.Login. Handlers record what happened in it and
// call Server.advance, which asks Login.Next for the next step and redirects to
// that step's page; handlers never route to one another. A session begins
// there and nowhere else.
//
// Every handler returns its error. The adapter maps the error's kind to a
// status and a log level and shows a page with the request's id, which stands
// in every log line of the request.
package web
