package local

import (
	"context"
	"time"

	"idbroker/broker"
)

// MailRefused notes that a mail server refuses the address of an account for good:
// its person cannot be reached, and sees so among the events. Nothing happens where
// nobody has the address. answer is the server's code, such as "550 5.1.1".
func (a *Accounts) MailRefused(ctx context.Context, address, mail, answer string) error {
	user, known, err := a.owner(ctx, address)
	if err != nil || !known {
		return err
	}
	e := broker.NewEvent(ctx, broker.EventMailRefused, time.Now())
	e.UserID, e.Detail = user.ID, map[string]string{"mail": mail, "answer": answer}
	return a.store.AddEvent(ctx, e)
}
