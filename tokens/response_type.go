package tokens

// Words of the response_type parameter (OAuth 2.0 Multiple Response Type
// Encoding Practices, section 3).
const (
	responseCode    = "code"
	responseIDToken = "id_token"
	responseToken   = "token"
)
