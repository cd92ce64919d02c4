package tokens

import "idbroker/broker"

// Offer is what we honour of a registration. It is made from the tables by
// which requests are answered and discovery is written: who adds an entry there
// can be registered for it.
func Offer() broker.Offer {
	return broker.Offer{
		AuthMethods:   authMethods,
		GrantTypes:    grantTypes,
		ResponseTypes: responseTypes,
		IDTokenAlgs:   allAlgorithms,
		SubjectTypes:  subjectTypes,
		ClientAlgs:    clientAlgs,
		SecretAlgs:    secretAlgs,
		Keys:          checkKeys,

		EncryptionAlgs: encryptionAlgs, ContentAlgs: contentAlgs,
	}
}

var (
	// grantTypes are those of the handlers in newEngine and the implicit one, which
	// has none; a test holds them together.
	grantTypes = []string{broker.GrantCode, broker.GrantRefresh, broker.GrantCredentials, broker.GrantImplicit}
	// subjectTypes are the ways in which a person is named to a client.
	subjectTypes = []string{subjectPublic, subjectPairwise}
)
