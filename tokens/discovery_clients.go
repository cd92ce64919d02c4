package tokens

// clientMetadata is the part of the metadata about what clients sign.
type clientMetadata struct {
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	PAREndpoint           string   `json:"pushed_authorization_request_endpoint"`
	RequirePAR            bool     `json:"require_pushed_authorization_requests"`
}

func (s *Service) clientMetadata() clientMetadata {
	return clientMetadata{
		TokenAuthAlgs: clientAlgs, IntrospectionAuthAlgs: clientAlgs, RevocationAuthAlgs: clientAlgs,
		PAREndpoint: s.url(s.o.Paths.PAR), RequirePAR: s.o.RequirePAR,
	}
}
