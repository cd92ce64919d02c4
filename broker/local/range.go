package local

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"

	"idbroker/broker"
)

// rangePrefix is how many hexadecimal digits of the SHA-1 are told: some 800
// leaked passwords share them, and 10^11 of those that somebody might type.
const rangePrefix = 5

// inRange asks for the breached passwords whose SHA-1 begins as this one's does. The
// service learns that much of it and nothing of the person. Lines are the rest of
// the SHA-1, a colon and how often it was seen; those that were never seen are padding.
func inRange(ctx context.Context, ask func(context.Context, string) ([]byte, error), password broker.Secret) (bool, error) {
	forms := []string{password.Reveal()}
	if n := norm.NFKC.String(forms[0]); n != forms[0] {
		forms = append(forms, n)
	}
	for _, form := range forms {
		sum := sha1.Sum([]byte(form))
		digits := strings.ToUpper(hex.EncodeToString(sum[:]))
		answer, err := ask(ctx, digits[:rangePrefix])
		if err != nil {
			return false, err
		}
		lines := bufio.NewScanner(bytes.NewReader(answer))
		for lines.Scan() {
			rest, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
			if !ok || len(rest) != len(digits)-rangePrefix {
				return false, errors.New("the answer is no list of hashes")
			}
			if strings.EqualFold(rest, digits[rangePrefix:]) && strings.Trim(count, "0") != "" {
				return true, nil
			}
		}
		if err := lines.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}
