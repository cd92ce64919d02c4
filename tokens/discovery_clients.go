package tokens

// clientMetadata is the part of the metadata about what clients sign.
type clientMetadata struct {
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	PAREndpoint           string   `json:"pushed_authorization_request_endpoint"`
	RequirePAR            bool     `json:"require_pushed_authorization_requests"`
	RequestSupported      bool     `json:"request_parameter_supported"`
	RequestURISupported   bool     `json:"request_uri_parameter_supported"` // absent would mean true
	RequestURIRegistered  bool     `json:"require_request_uri_registration"`
	RequestAlgs           []string `json:"request_object_signing_alg_values_supported"`
}

func (s *Service) clientMetadata() clientMetadata {
	return clientMetadata{
		TokenAuthAlgs: clientAlgs, IntrospectionAuthAlgs: clientAlgs, RevocationAuthAlgs: clientAlgs,
		PAREndpoint: s.url(s.o.Paths.PAR), RequirePAR: s.o.RequirePAR,
		RequestSupported: true, RequestURISupported: s.o.Fetcher != nil, RequestURIRegistered: true, RequestAlgs: clientAlgs,
	}
}
