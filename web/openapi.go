package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	openAPIPath = "/openapi.json"
	// openAPIAge is how long the document may be kept, in seconds: it changes with
	// the program alone.
	openAPIAge = 3600
	// maxQueryPath is the longest path that the document promises to read in a query, in
	// code points: each may take twelve bytes there, and maxURI bounds the whole.
	maxQueryPath = 1000
)

type object = map[string]any

// serveOpenAPI serves /openapi.json: the document of the routes that speak JSON.
func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.fail(w, r, errMethod)
		return
	}
	body, err := s.openAPI()
	if err != nil {
		s.fail(w, r, fmt.Errorf("OpenAPI document: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(openAPIAge))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// describe makes the OpenAPI document (version 3.1.1) of the operations.
func (s *Server) describe() ([]byte, error) {
	all := schemas{}
	paths := object{}
	for _, pattern := range slices.Sorted(maps.Keys(s.operations)) {
		op := s.operations[pattern]
		if op.standard != "" {
			continue
		}
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			return nil, fmt.Errorf("operation %q has no method", pattern)
		}
		path = strings.TrimSuffix(path, "{$}")
		item, _ := paths[path].(object)
		if item == nil {
			item = object{}
			paths[path] = item
		}
		described, err := all.operation(method, path, op)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		item[strings.ToLower(method)] = described
	}
	maps.Copy(all, envelopes())
	body, err := json.MarshalIndent(object{
		"openapi": "3.1.1",
		"info": object{
			"title": "Identity broker", "version": "1", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "What people do on the pages of the broker, for programs: the same paths and handlers, in JSON. " +
				"Send “Accept: application/json”: without it the answers are the pages. A client must not stumble over members that it does not know. What applications do (OAuth, OpenID Connect) is described by the discovery document.",
		},
		"servers": []any{object{"url": s.o.BaseURL}},
		"paths":   paths,
		"components": object{
			"schemas": all,
			"securitySchemes": object{"session": object{
				"type": "apiKey", "in": "cookie", "name": s.cookies.name(sessionCookie),
				"description": "Set by a sign-in. Requests that change something must come from a page of ours, or from no page.",
			}},
		},
	}, "", " ")
	return append(body, '\n'), err
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// operation describes a method of a path.
func (all schemas) operation(method, path string, op operation) (object, error) {
	names := strings.FieldsFunc(strings.ToLower(method)+path, func(r rune) bool { return notOfAnID(r) || r == '-' || r == '.' })
	described := object{"operationId": strings.Join(names, "_"), "summary": op.does}
	if op.member {
		described["security"] = []any{object{"session": []any{}}}
	}
	words := fieldWords()
	var parameters []any
	for _, m := range wildcard.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "description": words[m[1]], "schema": object{"type": "string"}})
	}
	for _, f := range op.query {
		parameters = append(parameters, object{"name": f.name, "in": "query", "description": words[f.name], "schema": f.schema(true)})
	}
	if parameters != nil {
		described["parameters"] = parameters
	}
	if method == http.MethodPost {
		properties := object{}
		for _, f := range op.fields {
			property := f.schema(false)
			property["description"] = words[f.name]
			properties[f.name] = property
		}
		described["requestBody"] = object{"content": object{jsonMediaType: object{
			"schema": object{"type": "object", "properties": properties, "additionalProperties": false, "description": "A member that is not sent is as an empty one, where nothing else is said; what is missing is a problem that names it."},
		}}}
	}
	content, err := all.answers(op)
	if err != nil {
		return nil, err
	}
	described["responses"] = object{
		"200":     object{"description": "What the page says, or where to go on.", "content": content},
		"default": object{"description": "Why it was not done.", "content": object{problemMediaType: object{"schema": ref("Problem")}}},
	}
	return described, nil
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// answers is the content of what an operation answers with.
func (all schemas) answers(op operation) (object, error) {
	var of []any
	if op.moves {
		of = append(of, ref("Location"))
	}
	for _, p := range op.shows {
		name, err := all.page(p)
		if err != nil {
			return nil, err
		}
		of = append(of, ref(name))
	}
	if op.gives != nil {
		schema, err := all.of(reflect.TypeOf(op.gives), "answer")
		if err != nil {
			return nil, err
		}
		of = append(of, schema)
	}
	content := object{}
	switch op.file {
	case "":
	case jsonMediaType:
		of = append(of, ref("Export"))
	default:
		content[op.file] = object{}
	}
	if len(of) == 1 {
		content[jsonMediaType] = object{"schema": of[0]}
	} else if len(of) > 1 {
		content[jsonMediaType] = object{"schema": object{"oneOf": of}}
	}
	return content, nil
}

// page describes a page and returns the name of its schema.
func (all schemas) page(p page) (string, error) {
	data, err := all.object(given(p).Type(), "page "+p.template())
	if err != nil {
		return "", err
	}
	name := ""
	for word := range strings.SplitSeq(p.template(), "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	name += "Page"
	all[name] = object{
		"type": "object", "required": []string{"page", "title", "signed_in", "data"},
		"properties": object{
			"page": object{"const": p.template()}, "title": textSchema("In the person's language."), "signed_in": object{"type": "boolean"},
			"notice": ref("Notice"), "challenge": ref("Challenge"), "data": data,
		},
	}
	return name, nil
}

// schema describes a field, in a query or in a body.
func (f field) schema(query bool) object {
	one := object{"type": "string", "maxLength": f.longest()}
	switch f.kind {
	case pathField:
		if query {
			one["maxLength"] = maxQueryPath
		}
	case idField, listField:
		one["pattern"] = `^[-A-Za-z0-9._~]*$`
	case choiceField:
		return object{"enum": f.choices}
	case flagField:
		if query {
			return object{"type": "string", "maxLength": f.longest(), "description": "1: yes."}
		}
		return object{"type": "boolean"}
	}
	if f.kind == listField {
		return object{"type": "array", "items": one, "maxItems": maxList}
	}
	return one
}

func textSchema(description string) object {
	return object{"type": "string", "description": description}
}

// envelopes describe what stands around pages.
func envelopes() schemas {
	text, number := object{"type": "string"}, object{"type": "integer"}
	return schemas{
		"Location": object{
			"type": "object", "required": []string{"location", "leaves"}, "description": "Where to go on.",
			"properties": object{
				"location": textSchema("A path of ours, to be asked with GET, or an address elsewhere."),
				"leaves":   object{"type": "boolean", "description": "It is an address elsewhere: a browser has to go there."},
			},
		},
		"Notice": object{
			"type": "object", "required": []string{"kind", "code", "text"}, "description": "Said once.",
			"properties": object{"kind": object{"enum": []string{noticeOK, noticeInfo, noticeProblem}}, "code": text, "text": text},
		},
		"Challenge": object{
			"type": "object", "required": []string{"text", "bits", "seconds"},
			"description": "To be solved with the next form: a number with which the SHA-256 of “text:number” begins with that many zero bits. " +
				"Send text as “challenge” and the number as “solution”.",
			"properties": object{"text": text, "bits": number, "seconds": object{"type": "integer", "description": "Who waits so long need not solve it."}},
		},
		"Export": object{"type": "object", "required": []string{"issuer", "exported_at", "profile"}, "description": "All that the broker knows of the person."},
		"Problem": object{
			"type": "object", "required": []string{"type", "title", "status", "detail", "instance", "code", "reference"}, "description": "RFC 9457.",
			"properties": object{
				"type": text, "title": text, "status": number, "detail": text, "instance": text,
				"code":      textSchema("What happened, in every language the same."),
				"reference": textSchema("Number of the request in the log."),
				"errors": object{"type": "array", "items": object{
					"type": "object", "required": []string{"field", "pointer", "code", "detail"},
					"properties": object{"field": text, "pointer": text, "code": text, "detail": text},
				}},
				"actions": object{"type": "array", "items": object{
					"type": "object", "required": []string{"label", "method", "url"},
					"properties": object{
						"label": text, "method": object{"enum": []string{http.MethodGet, http.MethodPost}}, "url": text,
						"fields": object{"type": "object", "additionalProperties": text},
					},
				}},
				"location":  textSchema("Where to prove who is there, before it is tried again."),
				"challenge": ref("Challenge"),
				"page":      textSchema("The form that was sent."),
				"data":      object{"type": "object", "description": "What that page gives."},
			},
		},
	}
}
