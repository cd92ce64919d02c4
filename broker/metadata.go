package broker

import "time"

// ClientMetadata is the part of a registration that most clients never set. The
// names are those of OpenID Connect Dynamic Client Registration 1.0 and RFC
// 7591; a zero field stands for the default given there.
type ClientMetadata struct {
	ApplicationType string   `json:"application_type,omitempty"` // "web" (default), "native"
	ResponseTypes   []string `json:"response_types,omitempty"`   // nil: code alone
	ResponseModes   []string `json:"response_modes,omitempty"`   // nil: all that fit the response type

	JWKS    string `json:"jwks,omitempty"`     // the client's keys by value, a JSON document
	JWKSURI string `json:"jwks_uri,omitempty"` // or where they are

	SubjectType         string `json:"subject_type,omitempty"` // "public" (default), "pairwise"
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`

	TokenEndpointAuthSigningAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`
	IDTokenEncryptedResponseAlg string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptedResponseEnc string `json:"id_token_encrypted_response_enc,omitempty"`
	UserInfoSignedResponseAlg   string `json:"userinfo_signed_response_alg,omitempty"`
	UserInfoEncryptedAlg        string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserInfoEncryptedEnc        string `json:"userinfo_encrypted_response_enc,omitempty"`
	RequestObjectSigningAlg     string `json:"request_object_signing_alg,omitempty"`
	RequestObjectEncryptionAlg  string `json:"request_object_encryption_alg,omitempty"` // "": it does not encrypt
	RequestObjectEncryptionEnc  string `json:"request_object_encryption_enc,omitempty"`
	RequireSignedObject         bool   `json:"require_signed_request_object,omitempty"` // RFC 9101, section 10.5

	DefaultMaxAge    *int     `json:"default_max_age,omitempty"` // seconds; nil: none
	RequireAuthTime  bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`
	RequestURIs      []string `json:"request_uris,omitempty"`
	RequirePAR       bool     `json:"require_pushed_authorization_requests,omitempty"` // RFC 9126, section 6

	FrontchannelLogoutURI             string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSessionRequired bool   `json:"frontchannel_logout_session_required,omitempty"`
	BackchannelLogoutURI              string `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired  bool   `json:"backchannel_logout_session_required,omitempty"`

	LogoURI    string                       `json:"logo_uri,omitempty"`
	Localized  map[string]map[string]string `json:"localized,omitempty"` // field → language tag → value
	SoftwareID string                       `json:"software_id,omitempty"`
	// SoftwareStatement is the JWT that vouches for the software, as it was sent; it
	// was verified when the client registered (RFC 7591, section 2.3).
	SoftwareStatement string `json:"software_statement,omitempty"`
	SoftwareVersion   string `json:"software_version,omitempty"`

	Origins []string `json:"origins,omitempty"` // browser origins beside those of the redirect URIs (CORS)

	// SecondFactor: whoever signs in for it shows a second factor. An operator says so;
	// a registration cannot.
	SecondFactor bool `json:"second_factor,omitempty"`

	Dynamic               bool      `json:"dynamic,omitempty"` // registered itself
	RegistrationTokenHash string    `json:"registration_token_hash,omitempty"`
	LastUsedAt            time.Time `json:"last_used_at,omitzero"` // to the day
}
