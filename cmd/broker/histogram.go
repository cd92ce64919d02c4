package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// bounds are the buckets of a histogram, in seconds: a page takes
// milliseconds, a password tens of them, a provider up to seconds.
var bounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram counts durations by bucket. The metrics library has histograms too,
// but their buckets ("vmrange") are read by VictoriaMetrics alone.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // the last one: longer than every bound
	micros  atomic.Uint64                  // sum
}

func (h *histogram) observe(d time.Duration) {
	i, _ := slices.BinarySearch(bounds[:], d.Seconds())
	h.buckets[i].Add(1)
	h.micros.Add(uint64(max(d, 0).Microseconds()))
}

// histograms are those of one name, by labels.
type histograms struct {
	name string
	all  sync.Map // labels without braces: *histogram
}

func (hs *histograms) of(label, value string) *histogram {
	key := label + "=" + strconv.Quote(value)
	if h, ok := hs.all.Load(key); ok {
		return h.(*histogram)
	}
	h, _ := hs.all.LoadOrStore(key, new(histogram))
	return h.(*histogram)
}

// write writes cumulative buckets, sum and count, as Prometheus reads them.
func (hs *histograms) write(w io.Writer) {
	all := map[string]*histogram{}
	hs.all.Range(func(k, h any) bool { all[k.(string)] = h.(*histogram); return true })
	for _, key := range slices.Sorted(maps.Keys(all)) {
		h, n := all[key], uint64(0)
		for i, bound := range bounds {
			n += h.buckets[i].Load()
			fmt.Fprintf(w, "%s_bucket{%s,le=\"%g\"} %d\n", hs.name, key, bound, n)
		}
		n += h.buckets[len(bounds)].Load()
		fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", hs.name, key, n)
		fmt.Fprintf(w, "%s_sum{%s} %g\n%s_count{%s} %d\n", hs.name, key, float64(h.micros.Load())/1e6, hs.name, key, n)
	}
}
