package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// errColumn: somebody else wrote to the database, or a disk forgot.
var errColumn = errors.New("a column does not hold what it should; restore the database from a backup")

// micros is a time as the database keeps it: microseconds since 1970, UTC; 0
// for the zero time.
type micros int64

// micro is t as the database keeps it; what is finer than a microsecond is cut
// off.
func micro(t time.Time) micros {
	if t.IsZero() {
		return 0
	}
	return micros(t.UnixMicro())
}

// time is the time, in UTC.
func (m micros) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// Scan implements sql.Scanner; it spares the detour of database/sql over text.
func (m *micros) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is %T: %w", src, errColumn)
	}
	*m = micros(n)
	return nil
}

// document is a value that a column keeps as JSON; its empty value is "".
type document[T any] struct{ v T }

// doc makes a document of v.
func doc[T any](v T) document[T] { return document[T]{v} }

// Value implements driver.Valuer.
func (d document[T]) Value() (driver.Value, error) {
	if list, ok := any(d.v).([]string); ok {
		if text, ok := writeWords(list); ok {
			return text, nil
		}
	}
	b, err := json.Marshal(d.v)
	if err != nil {
		return nil, err
	}
	switch s := string(b); s {
	case "null", "[]", "{}":
		return "", nil
	default:
		return s, nil
	}
}

// Scan implements sql.Scanner.
func (d *document[T]) Scan(src any) error {
	var b []byte
	switch s := src.(type) {
	case string:
		if list, ok := any(&d.v).(*[]string); ok {
			if *list, ok = readWords(s); ok {
				return nil
			}
		}
		b = []byte(s)
	case []byte:
		b = s
	default:
		return fmt.Errorf("a document is %T: %w", src, errColumn)
	}
	var v T
	if len(b) > 0 {
		if err := json.Unmarshal(b, &v); err != nil {
			return errColumn // the cause would quote it
		}
	}
	d.v = v
	return nil
}

// blob is b, never nil: no column is NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// some is b, or nil where it is empty.
func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// column is a field of a row struct that stands in a column.
type column struct {
	name  string
	field int
}

// columns lists the columns of a row struct in the order of its fields.
func columns(t reflect.Type) []column {
	var cols []column
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("bun"), ",")
		if f := t.Field(i); f.IsExported() && !f.Anonymous && name != "" {
			cols = append(cols, column{name, i})
		}
	}
	return cols
}

// Columns of the row structs whose statements are written by hand.
var (
	sessionColumns  = columns(reflect.TypeFor[sessionRow]())
	userColumns     = columns(reflect.TypeFor[userRow]())
	clientColumns   = columns(reflect.TypeFor[clientRow]())
	grantColumns    = columns(reflect.TypeFor[grantRow]())
	briefColumns    = slices.DeleteFunc(columns(reflect.TypeFor[grantRow]()), func(c column) bool { return !slices.Contains(brief, c.name) })
	personColumns   = columns(reflect.TypeFor[personRow]())
	stampColumns    = columns(reflect.TypeFor[stampRow]())
	identityColumns = columns(reflect.TypeFor[identityRow]())
	accountColumns  = columns(reflect.TypeFor[accountRow]())
	tokenColumns    = columns(reflect.TypeFor[tokenRow]())
	consentColumns  = columns(reflect.TypeFor[consentRow]())
	domainColumns   = columns(reflect.TypeFor[domainRow]())
	outboxColumns   = columns(reflect.TypeFor[outboxRow]())
)

// storable tells whether every text among args can stand in both databases:
// UTF-8 without NUL.
func storable(args ...any) bool {
	for _, a := range args {
		switch v := a.(type) {
		case string:
			if !storableText(v) {
				return false
			}
			continue
		case int64, micros:
			continue
		}
		if v := reflect.ValueOf(a); v.Kind() == reflect.String && !storableText(v.String()) {
			return false
		}
	}
	return true
}

// storableText is storable for one text.
func storableText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// values lists what row (a pointer to a row struct) puts into cols, as a driver
// takes it. It returns ErrText where a text cannot be stored, and names the
// column.
func values(row any, cols []column) ([]any, error) {
	v := reflect.ValueOf(row).Elem()
	args := make([]any, len(cols))
	for i, c := range cols {
		f := v.Field(c.field)
		switch f.Kind() {
		case reflect.String:
			args[i] = f.String()
		case reflect.Int, reflect.Int64:
			args[i] = f.Int()
		default:
			args[i] = f.Interface()
		}
		if d, ok := args[i].(driver.Valuer); ok {
			text, err := d.Value()
			if err != nil {
				return nil, ErrText.Becausef("column %s", c.name)
			}
			args[i] = text
		}
		if s, ok := args[i].(string); ok && !storableText(s) {
			return nil, ErrText.Becausef("column %s", c.name)
		}
	}
	return args, nil
}

// targets lists pointers to the fields of row (a pointer to a row struct) that
// cols name, for Scan.
func targets(row any, cols []column) []any {
	v := reflect.ValueOf(row).Elem()
	dest := make([]any, len(cols))
	for i, c := range cols {
		dest[i] = v.Field(c.field).Addr().Interface()
	}
	return dest
}
