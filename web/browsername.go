package web

import (
	"slices"
	"strings"

	"github.com/mileusna/useragent"
)

// namedBrowsers are the browsers that mails call by their name. A user agent is whatever
// its sender makes it, and a mail about a request goes to whoever they name: of any
// other one the mail tells the system alone, which the library knows or leaves out.
var namedBrowsers = []string{
	useragent.Chrome, useragent.Firefox, useragent.Safari, useragent.MobileSafari, useragent.Edge, useragent.InternetExplorer,
	useragent.Opera, useragent.OperaMini, useragent.OperaTouch, useragent.Vivaldi, useragent.SamsungBrowser, useragent.HeadlessChrome,
	useragent.BlackBerry, useragent.NetFront, useragent.FacebookApp, useragent.InstagramApp, useragent.TiktokApp,
	"Android browser", "Miui Browser", "Huawei Browser", "Brave", "DuckDuckGo", "Ddg", "YaBrowser", "Whale", "Silk", "Epiphany", "Falkon", "SeaMonkey",
}

// browserName is a user agent for mails, in no language: "Firefox, Linux". It is
// "" for what is no browser; programs at the token endpoint need not wait for it.
func browserName(userAgent string) string {
	if !strings.HasPrefix(userAgent, "Mozilla/") || len(userAgent) > maxUserAgent {
		return ""
	}
	ua := useragent.Parse(userAgent)
	if !slices.Contains(namedBrowsers, ua.Name) {
		return ua.OS
	}
	return strings.Trim(ua.Name+", "+ua.OS, ", ")
}
