package web

import (
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

const (
	// exampleWord begins every made-up text, so that it can be found in a page.
	exampleWord = "example-"
	// exampleDepth bounds how far fields of fields are filled.
	exampleDepth = 5
	// fewRows and manyRows are how long made-up lists are: manyRows is more than
	// any page shows at once.
	fewRows, manyRows = 2, 12
)

// examples are pages of one kind with made-up values: all that there can be, nothing,
// and each thing alone added or left out.
func (r *renderer) examples(kind page, lang string) []page {
	x := exampler{problems: problemFields(kind)}
	full := x.page(r, kind, lang, func(string) bool { return true })
	all := []page{full, x.page(r, kind, lang, func(string) bool { return false })}
	for _, path := range slices.Clone(x.seen) {
		all = append(all,
			x.page(r, kind, lang, func(p string) bool { return p != path }),
			x.page(r, kind, lang, func(p string) bool {
				return p == path || strings.HasPrefix(path, p+".") || strings.HasPrefix(p, path+".")
			}))
	}
	return all
}

// problemFields are the fields whose problems the page of a kind can tell.
func problemFields(kind page) []string {
	text, _ := fs.ReadFile(PageTemplates(), kind.template()+".html")
	fields := []string{""}
	for _, m := range regexp.MustCompile(`\.Problems\.On "(\w+)"`).FindAllStringSubmatch(string(text), -1) {
		fields = append(fields, m[1])
	}
	return fields
}

// exampler makes up pages.
type exampler struct {
	problems []string
	seen     []string // paths of what can be left out
	base     base     // of the page, and of the parts that have one of their own
}

// dress gives it what the renderer gives to all.
func (b *base) dress(like base) {
	b.Lang, b.Dir, b.Brand, b.Path, b.Now, b.cat = like.Lang, like.Dir, like.Brand, like.Path, like.Now, like.cat
}

// page makes up a page with the things that want lets in.
func (x *exampler) page(r *renderer, kind page, lang string, want func(path string) bool) page {
	v := reflect.New(reflect.TypeOf(kind).Elem())
	p := v.Interface().(page)
	first := x.seen == nil
	asked := func(path string) bool {
		if first && !strings.HasPrefix(path, "User.") && !slices.Contains(x.seen, path) { // no page looks closely at the user
			x.seen = append(x.seen, path)
		}
		return want(path)
	}
	b := r.base(lang, "/example/", nil, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	x.base = b
	x.fill(v.Elem(), "", asked, 0)
	own := p.top()
	own.dress(b)
	if own.Section != "" {
		own.Section = "security"
	}
	return p
}

// keptFields are set by the renderer.
var keptFields = regexp.MustCompile(`^(Lang|Dir|Brand|Path|Now)$`)

// fill makes up the value at a path.
func (x *exampler) fill(v reflect.Value, path string, want func(string) bool, depth int) {
	if depth > exampleDepth {
		return
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch value := v.Addr().Interface().(type) {
	case *time.Time:
		if want(path) {
			*value = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
		}
		return
	case *problems:
		*value = problems{}
		for _, field := range x.problems {
			if want(path + "." + field) {
				(*value)[field] = &broker.Error{Kind: broker.KindInvalid, Message: exampleWord + path + "-" + field, Field: field}
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if want(path) {
			v.SetString(word(path, name))
		}
	case reflect.Bool:
		v.SetBool(want(path) && !strings.Contains(path, ".1")) // the second row is of the other kind
	case reflect.Int, reflect.Int64:
		if want(path) {
			v.SetInt(3)
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && want(path) {
			v.Set(reflect.New(v.Type().Elem()))
			x.fill(v.Elem(), path+".is", want, depth+1)
		}
	case reflect.Slice:
		if !want(path) {
			return
		}
		n := fewRows
		if want(path + ".many") {
			n = manyRows
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			x.fill(v.Index(i), path+"."+strconv.Itoa(min(i, 1)), want, depth+1)
		}
	case reflect.Map:
		if v.Type() == reflect.TypeFor[map[string]string]() {
			v.Set(reflect.ValueOf(map[string]string{}))
		}
	case reflect.Struct:
		if part, ok := v.Addr().Interface().(interface{ top() *base }); ok {
			part.top().dress(x.base)
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			inner := strings.TrimPrefix(path+"."+f.Name, ".")
			switch {
			case f.Anonymous && f.Type.Kind() == reflect.Struct:
				for j := range v.Field(i).NumField() { // fields of an embedded struct are the page's own
					ff := f.Type.Field(j)
					if ff.IsExported() && (f.Name != "base" || !keptFields.MatchString(ff.Name)) {
						x.fill(v.Field(i).Field(j), strings.TrimPrefix(path+"."+ff.Name, "."), want, depth+1)
					}
				}
			case f.IsExported():
				x.fill(v.Field(i), inner, want, depth+1)
			}
		}
	}
}

// word is a made-up text that tells where it comes from.
func word(path, name string) string {
	made := exampleWord + strings.ReplaceAll(path, ".", "-")
	switch {
	case strings.HasSuffix(name, "URL"), name == "Action", name == "Policy", name == "Terms", name == "Logo", strings.HasPrefix(path, "Frames."):
		return "https://example.test/" + made
	case name == "Icon":
		return "github"
	case name == "Kind":
		return noticeInfo
	}
	return made
}

var exampleWords = regexp.MustCompile(exampleWord + `[A-Za-z0-9_-]+`)
