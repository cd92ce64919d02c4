package i18n

import (
	"strings"

	"golang.org/x/text/language"
)

// maxHeader bounds what Match reads of each of its arguments, in bytes. A
// browser sends well under a hundred; what is longer is no wish for a language.
const maxHeader = 1024

// Match chooses the language of a page. The application's wish counts first
// (ui_locales: BCP 47 tags with spaces between them, OpenID Connect Core 1.0,
// section 3.1.2.1), then the person's own choice, then what the browser sends
// (Accept-Language, RFC 9110, section 12.5.4). It returns one of Languages;
// Default where nothing fits. What cannot be parsed does not count.
func (c *Catalogs) Match(uiLocales, preference, acceptLanguage string) string {
	s := c.now.Load()
	for _, wish := range [][]language.Tag{parseList(uiLocales), parseList(preference), parseHeader(acceptLanguage)} {
		if len(wish) == 0 {
			continue
		}
		if _, i, confidence := s.matcher.Match(wish...); confidence > language.No {
			return s.languages[i]
		}
	}
	return Default
}

// parseList reads tags with spaces between them and leaves out what is none.
func parseList(s string) []language.Tag {
	if len(s) > maxHeader {
		return nil
	}
	var tags []language.Tag
	for _, word := range strings.Fields(s) {
		if tag, err := language.Parse(word); err == nil && tag != language.Und {
			tags = append(tags, tag)
		}
	}
	return tags
}

// parseHeader reads an Accept-Language header, best first.
func parseHeader(s string) []language.Tag {
	if len(s) > maxHeader {
		return nil
	}
	tags, _, err := language.ParseAcceptLanguage(s)
	if err != nil {
		return nil
	}
	return tags
}
