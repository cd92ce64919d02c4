package tokens

// clientMetadata is the part of the metadata about what clients sign and encrypt.
type clientMetadata struct {
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	PAREndpoint           string   `json:"pushed_authorization_request_endpoint"`
	RequirePAR            bool     `json:"require_pushed_authorization_requests"`
	RequireSigned         bool     `json:"require_signed_request_object"`
	RequestSupported      bool     `json:"request_parameter_supported"`
	RequestURISupported   bool     `json:"request_uri_parameter_supported"` // absent would mean true
	RequestURIRegistered  bool     `json:"require_request_uri_registration"`
	RequestAlgs           []string `json:"request_object_signing_alg_values_supported"`
	IDTokenKeyAlgs        []string `json:"id_token_encryption_alg_values_supported"`
	IDTokenContentAlgs    []string `json:"id_token_encryption_enc_values_supported"`
	UserInfoKeyAlgs       []string `json:"userinfo_encryption_alg_values_supported"`
	UserInfoContentAlgs   []string `json:"userinfo_encryption_enc_values_supported"`
	RequestKeyAlgs        []string `json:"request_object_encryption_alg_values_supported"`
	RequestContentAlgs    []string `json:"request_object_encryption_enc_values_supported"`
}

func (s *Service) clientMetadata() clientMetadata {
	return clientMetadata{
		TokenAuthAlgs: assertionAlgs, IntrospectionAuthAlgs: assertionAlgs, RevocationAuthAlgs: assertionAlgs,
		PAREndpoint: s.url(s.o.Paths.PAR), RequirePAR: s.o.RequirePAR, RequireSigned: s.o.RequireSigned,
		RequestSupported: true, RequestURISupported: s.o.Fetcher != nil, RequestURIRegistered: true, RequestAlgs: clientAlgs,
		IDTokenKeyAlgs: encryptionAlgs, IDTokenContentAlgs: contentAlgs, UserInfoKeyAlgs: encryptionAlgs, UserInfoContentAlgs: contentAlgs,
		RequestKeyAlgs: encryptionAlgs, RequestContentAlgs: contentAlgs,
	}
}
