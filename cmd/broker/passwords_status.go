package main

import (
	"context"
	"fmt"
	"io"

	"idbroker/broker/local"
)

type passwordsStatus struct {
	output
}

// Help teaches.
func (passwordsStatus) Help() string {
	return `Passwords that another system has hashed, or that were made with an older pepper, are made anew when their people sign in. This counts those that are left, so that you know whether accounts.invenio_password_salt_file, or a line of accounts.pepper_file, may go. It reads every account.

	broker passwords status`
}

// Run counts.
func (c passwordsStatus) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	forms, err := r.accounts.PasswordForms(ctx)
	if err != nil {
		return err
	}
	if forms == nil {
		forms = []local.PasswordForm{}
	}
	return c.print(p.out, forms, func(w io.Writer) {
		if len(forms) == 0 {
			fmt.Fprintln(w, "No account has a password.")
			return
		}
		row(w, "KIND", "PEPPER", "ACCOUNTS", "STATE")
		for _, f := range forms {
			row(w, f.Kind, f.Pepper, f.Users, f.State)
		}
		for _, f := range forms {
			if advice := adviceOn(f); advice != "" {
				fmt.Fprintf(w, "\n%s\n", advice)
			}
		}
	})
}

// adviceOn is what an operator can do about a form of passwords; "" nothing need be done.
func adviceOn(f local.PasswordForm) string {
	double := f.Kind == local.KindDouble
	switch {
	case f.State == local.FormLost && double:
		return fmt.Sprintf("Accounts that cannot be opened with their password: %d. Set accounts.invenio_password_salt_file to the SECURITY_PASSWORD_SALT of where they come from.", f.Users)
	case f.State == local.FormLost:
		return fmt.Sprintf("Accounts that cannot be opened with their password: %d. accounts.pepper_file lacks the pepper %s. Put its line back, below the others, or let them choose another password by mail.", f.Users, f.Pepper)
	case f.State == local.FormUnused && double:
		return "accounts.invenio_password_salt_file may go, unless you import more accounts."
	case f.State == local.FormUnused:
		return fmt.Sprintf("The line of the pepper %s may go from accounts.pepper_file, unless you are about to put it first.", f.Pepper)
	}
	return ""
}
