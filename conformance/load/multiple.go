package main

import (
	"slices"

	"idbroker/conformance/load/driver"
)

// multiple is what an operation of a flow costs beside a request to the bare
// handler of the same round, over all rounds.
type multiple struct {
	Flow   string  `json:"flow"`
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

// multiples compares the flows of each round with its bare handler, which is the
// last one; none where CPU time was not counted.
func multiples(runs []driver.Report) []multiple {
	var flows []string
	all := map[string][]float64{}
	begin := 0
	for i, r := range runs {
		if r.Flow != driver.BareFlow {
			continue
		}
		for _, f := range runs[begin:i] {
			if r.CPU == 0 || f.CPU == 0 || f.Operations == 0 {
				continue
			}
			if all[f.Flow] == nil {
				flows = append(flows, f.Flow)
			}
			all[f.Flow] = append(all[f.Flow], float64(f.CPUPerOperation())/float64(r.CPUPerRequest()))
		}
		begin = i + 1
	}
	var list []multiple
	for _, flow := range flows {
		values := all[flow]
		slices.Sort(values)
		n := len(values)
		list = append(list, multiple{flow, (values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1]})
	}
	return list
}
