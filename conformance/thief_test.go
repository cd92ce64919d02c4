package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"idbroker/conformance/mutant"
)

// thiefless are the rooms of local accounts, each without one defence against a thief who
// is in.
var thiefless = []mutant.Mutant{
	without("young-factors-vouch", "broker/local/vouch.go", `if i < 0 || a.elder(`, `if i < 0 || OFF || a.elder(`),
	without("swapped-is-another", "broker/local/factorswap.go", `f.ID, f.ConfirmedAt = old.ID, old.ConfirmedAt`, `if f.ConfirmedAt = old.ConfirmedAt; !OFF {
			f.ID = old.ID
		}`),
	without("swapped-is-young", "broker/local/factorswap.go", `f.Kind, f.LastStep, f.LastUsedAt = broker.FactorTOTP, step, at`, `f.Kind, f.LastStep, f.LastUsedAt = broker.FactorTOTP, step, at
		if OFF {
			f.ConfirmedAt = at
		}`),
	without("password-stays", "broker/local/rewind.go", `if !u.PasswordSetAt.Before(since) {`, `if !u.PasswordSetAt.Before(since) && !OFF {`),
	without("factors-stay", "broker/local/rewind.go", `if err := a.store.DeleteFactorsSince(`, `if OFF {
		return nil
	}
	if err := a.store.DeleteFactorsSince(`),
	without("passkeys-stay", "broker/local/rewind.go", `if err := a.store.DeletePasskeysSince(`, `if OFF {
	} else if err := a.store.DeletePasskeysSince(`),
	without("links-stay", "broker/local/rewind.go", `if err := a.links.DetachSince(`, `if OFF {
	} else if err := a.links.DetachSince(`),
	without("links-do-not-come-back", "broker/local/rewind.go", `if err := a.links.RestoreSince(`, `if OFF {
		} else if err := a.links.RestoreSince(`),
	without("passkeys-do-not-come-back", "broker/local/rewind.go", `gone, err := a.restorable(`, `if OFF {
		return nil
	}
	gone, err := a.restorable(`),
	without("everything-comes-back", "broker/local/rewind.go", `if !open || !u.HasSecondFactor() {`, `if !open || !u.HasSecondFactor() || OFF {`),
	without("what-a-thief-removed-counts", "broker/local/rewind.go", `r.Kind != broker.RetiredPasskey && a.elder(r.Since, since)`, `r.Kind != broker.RetiredPasskey && (OFF || a.elder(r.Since, since))`),
	without("mailbox-strips", "broker/local/takeback.go", `return a.elderFactorGone(ctx, t.UserID, t.CreatedAt)`, `if OFF {
		return false, nil
	}
	return a.elderFactorGone(ctx, t.UserID, t.CreatedAt)`),
	without("mails-find-any-address", "broker/local/takeback.go", `case b.User.Email != t.Email:`, `case b.User.Email != t.Email && !OFF:`),
	without("later-addresses-come-back", "broker/local/emailback.go", `if err := a.store.VoidMailTokensSince(`, `if OFF {
		} else if err := a.store.VoidMailTokensSince(`),
	without("later-links-come-back", "broker/local/rewind.go", `if err := a.store.VoidLinkChanges(`, `if OFF {
	} else if err := a.store.VoidLinkChanges(`),
	without("sessions-outlive-the-address", "broker/local/email.go", `if err := a.signOut(ctx, u.ID, keepSID, "address changed", at); err != nil {`, `if OFF {
	} else if err := a.signOut(ctx, u.ID, keepSID, "address changed", at); err != nil {`),
	without("sessions-outlive-the-password", "broker/local/password.go", `if err := a.signOut(ctx, user.ID, keepSID, "password changed", at); err != nil {`, `if OFF {
	} else if err := a.signOut(ctx, user.ID, keepSID, "password changed", at); err != nil {`),
	without("sessions-outlive-the-passkey", "broker/local/passkeymanage.go", `if err := a.endOpenedBy(`, `if OFF {
		} else if err := a.endOpenedBy(`),
	without("old-sign-ins-change-factors", "broker/local/factor.go", `case !s.Fresh(a.o.FreshFor, at):`, `case !s.Fresh(a.o.FreshFor, at) && !OFF:`),
	without("last-needed-passkey-goes", "broker/local/passkeymanage.go", `len(all) == 1 && !user.HasSecondFactor() {`, `len(all) == 1 && !user.HasSecondFactor() && !OFF {`),
	without("usernames-stay", "broker/local/usernameback.go", `if !told || name`, `if OFF || !told || name`),
	without("operators-usernames-go", "broker/local/username.go", `if err := a.store.ForgetAbout(`, `if OFF {
		} else if err := a.store.ForgetAbout(`),
	without("copied-browsers-count", "broker/remembered.go", `b.Stamp == u.FactorStamp()`, `(OFF || b.Stamp == u.FactorStamp())`),
}

func without(name, file, before, after string) mutant.Mutant {
	return mutant.Mutant{Name: name, Changes: []mutant.Change{{File: file, Old: before, New: after}}}
}

// thiefMutantSteps is what a missing defence may hide in.
const thiefMutantSteps = 30_000

// TestThiefWalkCanFail takes one defence away at a time: the walk of an owner and a thief
// (broker/local TestThief) finds each. The walk itself is green in the same program.
func TestThiefWalkCanFail(t *testing.T) {
	if text := os.Getenv("BROKER_TEST_THIEF_STEPS"); text != "" {
		if n, err := strconv.Atoi(text); err == nil && n < 1000 {
			t.Skipf("BROKER_TEST_THIEF_STEPS asks for %d steps", n)
		}
	}
	root := moduleRoot(t)
	out := filepath.Join(t.TempDir(), "local.test")
	if err := mutant.BuildTest(root, "./broker/local", out, thiefless); err != nil {
		t.Fatal(err)
	}
	walk := func(name string, steps int) (string, error) {
		cmd := exec.Command(out, "-test.run", "^TestThief$/^sqlite$", "-rapid.nofailfile", "-rapid.shrinktime", "0s")
		cmd.Dir = filepath.Join(root, "broker", "local")
		cmd.Env = append(os.Environ(), mutant.Environ(name), "BROKER_TEST_THIEF_STEPS="+strconv.Itoa(steps))
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	if said, err := walk("none", 500); err != nil {
		t.Fatalf("with every defence: %v\n%s", err, said)
	}
	for _, m := range thiefless {
		t.Run(m.Name, func(t *testing.T) {
			said, err := walk(m.Name, thiefMutantSteps)
			if err == nil || !strings.Contains(said, "--- FAIL: TestThief") {
				t.Errorf("nobody notices in %d steps: %v", thiefMutantSteps, err)
			}
			if _, why, ok := strings.Cut(said, "[rapid] failed"); ok {
				why, _, _ = strings.Cut(why, "\n")
				t.Logf("noticed%s", why)
			}
		})
	}
}
