// Command crdcheck answers requests for custom resources with the API server's own code, without a server.
//
// It reads one JSON object from the standard input: "definitions", CustomResourceDefinitions, and "requests", each with
// an "object", the stored one as "old" when it is an update, and "status": true when it goes to the status subresource.
// It writes one JSON object: "definitions" with the faults of each, and "answers", one for each request.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type question struct {
	Definitions []json.RawMessage `json:"definitions"`
	Requests    []json.RawMessage `json:"requests"`
}

type judged struct {
	Name   string   `json:"name"`
	Errors []string `json:"errors"`
}

type reply struct {
	Definitions []judged `json:"definitions"`
	Answers     []answer `json:"answers"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crdcheck:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	ctx := context.Background()
	var asked question
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("the question is no JSON: %w", err)
	}
	said := reply{Definitions: []judged{}, Answers: []answer{}}
	kinds := map[string]*kind{}
	for _, raw := range asked.Definitions {
		found, errs := load(ctx, raw)
		said.Definitions = append(said.Definitions, judged{Name: found.name(), Errors: errs})
		if len(errs) > 0 {
			continue
		}
		made, err := newKind(found)
		if err != nil {
			return fmt.Errorf("%s: %w", found.name(), err)
		}
		kinds[found.Spec.Names.Kind] = made
	}
	for number, raw := range asked.Requests {
		given, err := readRequest(raw)
		if err != nil {
			return fmt.Errorf("request %d: %w", number, err)
		}
		name, _ := given.Object["kind"].(string)
		served, ok := kinds[name]
		if !ok {
			return fmt.Errorf("request %d: no valid definition of the kind %q", number, name)
		}
		said.Answers = append(said.Answers, served.answer(ctx, given))
	}
	return json.NewEncoder(out).Encode(said)
}
