// Package fields reads what an operator asks people to tell of themselves, and holds
// what they tell to it. The description is a JSON Schema (draft 2020-12) of one
// object, of which only what a form can ask for is understood; the rest is refused,
// never ignored. It fetches nothing.
package fields
