package served

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
)

// maxMail bounds a mail: the broker's are a few KiB.
const maxMail = 1 << 20

// Mail is a mail as a mail program shows it.
type Mail struct {
	To, Subject, Text string
}

// ReadMail reads a mail as it goes over the wire.
func ReadMail(r io.Reader) (Mail, error) {
	m, err := netmail.ReadMessage(io.LimitReader(r, maxMail))
	if err != nil {
		return Mail{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return Mail{}, err
	}
	to, err := netmail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		return Mail{}, err
	}
	text, err := plain(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	return Mail{To: to.Address, Subject: subject, Text: text}, err
}

// plain is the plain text of a part.
func plain(contentType, encoding string, body io.Reader) (string, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err != nil {
				return "", fmt.Errorf("no plain text: %w", err)
			}
			if text, err := plain(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err == nil {
				return text, nil
			}
		}
	}
	if kind != "text/plain" {
		return "", fmt.Errorf("%s is no plain text", kind)
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	return strings.ReplaceAll(string(b), "\r\n", "\n"), err
}
