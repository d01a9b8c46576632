// Command kubectl reads YAML as kubectl does, with the very packages that kubectl uses.
//
// Standard input is a JSON array of texts, each the content of one file. Standard output is a JSON
// array with one entry a text: {"documents": [...]} with what kubectl would send to the API server,
// or {"error": "..."}.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/util/json"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
)

type reading struct {
	Documents []any  `json:"documents"`
	Error     string `json:"error,omitempty"`
}

func read(text string) reading {
	decoder := kyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
	documents := []any{}
	for {
		raw := runtime.RawExtension{}
		if err := decoder.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				return reading{Documents: documents}
			}
			return reading{Error: err.Error()}
		}
		content := bytes.TrimSpace(raw.Raw)
		if len(content) == 0 || bytes.Equal(content, []byte("null")) {
			continue
		}
		// As unstructured.Unstructured does: int64 where it fits, else float64.
		var value any
		if err := kjson.Unmarshal(content, &value); err != nil {
			return reading{Error: err.Error()}
		}
		documents = append(documents, value)
	}
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	readings := make([]reading, len(texts))
	for i, text := range texts {
		readings[i] = read(text)
	}
	if err := json.NewEncoder(os.Stdout).Encode(readings); err != nil {
		log.Fatal(err)
	}
}
