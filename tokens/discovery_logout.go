package tokens

// logoutMetadata is what discovery says of sign-out: OpenID Connect Back-Channel
// Logout 1.0, section 2.1.
type logoutMetadata struct {
	Backchannel        bool `json:"backchannel_logout_supported"`
	BackchannelSession bool `json:"backchannel_logout_session_supported"`
	// OpenID Connect Front-Channel Logout 1.0, section 3
	Frontchannel        bool `json:"frontchannel_logout_supported"`
	FrontchannelSession bool `json:"frontchannel_logout_session_supported"`
	// OpenID Connect Session Management 1.0, section 3.3
	CheckSession string `json:"check_session_iframe"`
}

func (s *Service) logoutMetadata() logoutMetadata {
	return logoutMetadata{Backchannel: true, BackchannelSession: true, Frontchannel: true, FrontchannelSession: true, CheckSession: s.url(s.o.Paths.CheckSession)}
}
