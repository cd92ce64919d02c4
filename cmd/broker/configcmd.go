package main

import (
	"context"
	"fmt"
	"io"

	"idbroker/config"
)

type configCommands struct {
	Validate configValidate `cmd:"" help:"Check the configuration without starting anything."`
	Print    configPrint    `cmd:"" help:"Show every setting that is in effect and where it came from, without secrets."`
	Example  configExample  `cmd:"" help:"Print an annotated configuration file to begin with."`
	Schema   configSchema   `cmd:"" help:"Print the JSON Schema of the configuration file, for editors."`
}

// load reads the configuration.
func (p *program) load() (config.Config, error) { return config.Load(p.config, p.environ) }

type configValidate struct{}

// Help teaches.
func (configValidate) Help() string {
	return `It prints every problem in a line of its own, with its place and the fix, and exits with 1; warnings leave the exit code at 0. What it refuses is what serve refuses, files, keys and templates included; whether the ports are free and the database answers only a start shows.

	broker config validate --config /etc/broker/broker.yaml && systemctl restart broker`
}

// Run checks what serve would check before it opens anything.
func (configValidate) Run(ctx context.Context, p *program) error {
	cfg, err := p.loadWhole(ctx)
	if err != nil {
		return err
	}
	for _, w := range warnings(cfg) {
		fmt.Fprintln(p.err, "warning: "+oneLine(w))
	}
	fmt.Fprintf(p.out, "The configuration is fine. The broker will be %s.\n", orElse(cfg.Server.BaseURL, "http://"+cfg.Server.Address))
	return nil
}

type configPrint struct{ output }

// Run prints the effective configuration.
func (c configPrint) Run(p *program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	values := cfg.Effective()
	return c.print(p.out, values, func(w io.Writer) {
		row(w, "SETTING", "VALUE", "FROM")
		for _, v := range values {
			row(w, v.Path, v.Text(), v.Origin)
		}
	})
}

type configExample struct{}

// Help teaches.
func (configExample) Help() string {
	return `Every setting, what it does and its default. As printed it changes nothing.

	broker config example > broker.yaml
	broker config validate`
}

// Run prints the example.
func (configExample) Run(p *program) error { return config.WriteExample(p.out) }

type configSchema struct{}

// Help teaches.
func (configSchema) Help() string {
	return `Editors with a YAML language server complete and check the file when its first line names the schema:

	broker config schema > config.schema.json
	# yaml-language-server: $schema=./config.schema.json`
}

// Run prints the schema.
func (configSchema) Run(p *program) error {
	_, err := p.out.Write(config.Schema())
	return err
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
