package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkStart measures from the start of the process to the first 200 of
// discovery, and prints what the idle process holds and how large the binary
// is. Goals: 100 ms with a migrated database, 300 ms with a fresh one, 40 MB
// of memory, 40 MB of binary.
func BenchmarkStart(b *testing.B) {
	b.Run("migrated", func(b *testing.B) {
		o := newOperator(b)
		o.serve().stop()
		for b.Loop() {
			measureStart(b, o)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			o := newOperator(b)
			b.StartTimer()
			measureStart(b, o)
		}
	})
}

var resident = regexp.MustCompile(`(?m)^(VmRSS|RssAnon):\s+(\d+) kB$`)

func measureStart(b *testing.B, o *operator) {
	// The address must be known before the process prints it.
	address := free("127.0.0.1", "0")
	o = o.set("BROKER_SERVER__ADDRESS=" + address)
	o.env = o.env[len(o.env)-1:]
	cmd := o.command("serve")
	cmd.Env = append(cmd.Env, "BROKER_SERVER__ADMIN_ADDRESS=127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		res, err := client.Get("http://" + address + discoveryPath)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(began) > startTime {
			b.Fatal("does not start")
		}
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	defer b.StartTimer()
	time.Sleep(200 * time.Millisecond) // idle
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	for _, m := range resident.FindAllStringSubmatch(string(status), -1) {
		kb, _ := strconv.ParseFloat(m[2], 64)
		b.ReportMetric(kb/1024, "MB-"+strings.ToLower(m[1]))
	}
	if info, err := os.Stat(o.bin); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	// Of start and stop together; unlike the time, it means something on a
	// machine that does other things too.
	b.ReportMetric(float64((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Microseconds())/1000, "ms-cpu")
}
