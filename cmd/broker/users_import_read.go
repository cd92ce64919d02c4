package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// maxImportLine bounds a line of JSON, in bytes: an account with a hundred identities is shorter.
const maxImportLine = 64 << 10

// importLine is an account as a line of JSON has it; CSV has the same as texts.
type importLine struct {
	Email         string           `json:"email"`
	EmailVerified bool             `json:"email_verified"`
	Name          string           `json:"name"`
	Username      string           `json:"username"`
	Locale        string           `json:"locale"`
	PasswordHash  string           `json:"password_hash"`
	DoubleHash    *bool            `json:"double_hash"`
	CreatedAt     string           `json:"created_at"`
	ConfirmedAt   string           `json:"confirmed_at"`
	VerifiedAt    string           `json:"verified_at"`
	BlockedAt     string           `json:"blocked_at"`
	BlockedReason string           `json:"blocked_reason"`
	Active        *bool            `json:"active"`
	Disabled      bool             `json:"disabled"`
	Identities    []importIdentity `json:"identities"`
}

// importColumns are the members of an importLine.
var importColumns = []string{"email", "email_verified", "name", "username", "locale", "password_hash", "double_hash", "created_at",
	"confirmed_at", "verified_at", "blocked_at", "blocked_reason", "active", "disabled", "identities"}

type importIdentity struct {
	Provider string `json:"provider"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
}

// eachImported reads a file from its beginning and hands over each account with
// the line that it begins in. bad hears of lines that cannot be read, which are left out.
func eachImported(f *os.File, double bool, bad func(line int, fields map[string]error), each func(line int, n local.Imported) error) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read it from its beginning: %w", err)
	}
	in := bufio.NewReaderSize(f, maxImportLine)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	take := func(line int, l importLine, problems map[string]error) error {
		n := l.account(double, problems)
		if len(problems) > 0 {
			bad(line, problems)
			return nil
		}
		return each(line, n)
	}
	if first, _ := in.Peek(1); string(first) == "{" {
		return eachJSON(in, take)
	}
	return eachCSV(in, take)
}

type takeLine func(line int, l importLine, problems map[string]error) error

func eachJSON(in *bufio.Reader, take takeLine) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxImportLine), maxImportLine)
	at := 1
	for ; lines.Scan(); at++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var l importLine
		problems := map[string]error{}
		if err := strictly(text, &l); err != nil {
			problems["line"] = err
		}
		if err := take(at, l, problems); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", at, err)
	}
	return nil
}

// strictly reads one JSON object that has each member once, and none that we do not know.
func strictly(text []byte, l *importLine) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(l); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something stands behind the object")
	}
	dec = json.NewDecoder(bytes.NewReader(text))
	_, _ = dec.Token() // the brace
	for seen := map[string]bool{}; dec.More(); {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		key := strings.ToLower(fmt.Sprint(name)) // encoding/json does not look at case
		if seen[key] {
			return fmt.Errorf("%q stands in it twice", name)
		}
		seen[key] = true
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
}

func eachCSV(in io.Reader, take takeLine) error {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	header = slices.Clone(header)
	for i, name := range header {
		switch {
		case !slices.Contains(importColumns, name):
			return fmt.Errorf("column %q is none that we know; see: broker users import --help", name)
		case slices.Contains(header[:i], name):
			return fmt.Errorf("there are two columns %q", name)
		}
	}
	if !slices.Contains(header, "email") {
		return errors.New("there is no column email in the first line; see: broker users import --help")
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return err // behind a wrong quote nothing is what it seems
		}
		at, _ := r.FieldPos(0)
		var l importLine
		problems := map[string]error{}
		if err != nil {
			problems["line"] = fmt.Errorf("has %s, the header has %d", howMany(len(record), "column"), len(header))
		} else {
			l.fill(header, record, problems)
		}
		if err := take(at, l, problems); err != nil {
			return err
		}
	}
}

// fill takes the texts of a record.
func (l *importLine) fill(header, record []string, problems map[string]error) {
	truth := func(field, text string) bool {
		switch strings.ToLower(text) {
		case "true", "t", "1", "yes":
			return true
		case "false", "f", "0", "no", "":
			return false
		}
		problems[field] = fmt.Errorf("%q is neither true nor false", text)
		return false
	}
	for i, field := range header {
		text := strings.Clone(record[i])
		switch field {
		case "email":
			l.Email = text
		case "email_verified":
			l.EmailVerified = truth(field, text)
		case "name":
			l.Name = text
		case "username":
			l.Username = text
		case "locale":
			l.Locale = text
		case "password_hash":
			l.PasswordHash = text
		case "double_hash":
			if text != "" {
				double := truth(field, text)
				l.DoubleHash = &double
			}
		case "created_at":
			l.CreatedAt = text
		case "confirmed_at":
			l.ConfirmedAt = text
		case "verified_at":
			l.VerifiedAt = text
		case "blocked_at":
			l.BlockedAt = text
		case "blocked_reason":
			l.BlockedReason = text
		case "active":
			if text != "" {
				active := truth(field, text)
				l.Active = &active
			}
		case "disabled":
			l.Disabled = truth(field, text)
		case "identities":
			if text == "" {
				continue
			}
			dec := json.NewDecoder(strings.NewReader(text))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&l.Identities); err != nil {
				problems[field] = errors.New(`is no JSON like [{"provider": "orcid", "subject": "0000-0001-2345-6789"}]`)
			}
		}
	}
}

// importTimes are the ways to write a time. Those without a zone are UTC, as
// PostgreSQL keeps them.
var importTimes = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07"}

// account is what the line says; what cannot be understood goes into problems.
func (l importLine) account(double bool, problems map[string]error) local.Imported {
	n := local.Imported{
		Email: l.Email, EmailVerified: l.EmailVerified, Name: l.Name, Username: l.Username, Locale: l.Locale,
		PasswordHash: broker.Secret(l.PasswordHash), Disabled: l.Disabled, BlockedReason: l.BlockedReason,
	}
	switch {
	case l.DoubleHash != nil:
		n.DoubleHash = *l.DoubleHash
	case double:
		n.DoubleHash = l.PasswordHash != "" && !strings.HasPrefix(l.PasswordHash, "$invenio-aes$")
	}
	for _, i := range l.Identities {
		n.Identities = append(n.Identities, broker.UserIdentity{Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject})
	}
	if l.Active != nil {
		if n.Disabled = !*l.Active; l.Disabled && *l.Active {
			problems["active"] = errors.New("contradicts disabled")
		}
	}
	for field, told := range map[string]struct {
		text string
		at   *time.Time
	}{
		"created_at": {l.CreatedAt, &n.CreatedAt}, "confirmed_at": {l.ConfirmedAt, &n.ConfirmedAt}, "verified_at": {l.VerifiedAt, &n.VerifiedAt}, "blocked_at": {l.BlockedAt, &n.BlockedAt},
	} {
		var ok bool
		if *told.at, ok = importTime(told.text); !ok {
			problems[field] = fmt.Errorf("%q is no time like 2024-01-31T12:00:00Z", told.text)
		}
	}
	return n
}

// importTime reads a time; "" is none.
func importTime(text string) (at time.Time, ok bool) {
	if text == "" {
		return at, true
	}
	for _, form := range importTimes {
		if at, err := time.Parse(form, text); err == nil {
			return at, true
		}
	}
	return at, false
}
