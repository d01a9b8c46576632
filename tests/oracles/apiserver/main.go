// Command apiserver judges CustomResourceDefinitions and objects as kube-apiserver does, with the
// very packages that kube-apiserver uses: structural schemas, CEL rules and their cost, defaults,
// pruning, list-maps.
//
// Standard input is {"crds": [...], "objects": [{"kind", "object", "old"}]}. Standard output is
// {"crds": {name: [errors]}, "objects": [{"errors": [...], "object": ...}]}, where object is what
// would be stored.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

type question struct {
	Kind   string          `json:"kind"`
	Object json.RawMessage `json:"object"`
	Old    json.RawMessage `json:"old,omitempty"`
}

type verdict struct {
	Errors []string `json:"errors"`
	Object any      `json:"object"`
}

type judge struct {
	structural *schema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

func definition(scheme *runtime.Scheme, raw []byte) (*apiextensions.CustomResourceDefinition, error) {
	var versioned v1.CustomResourceDefinition
	if err := kjson.Unmarshal(raw, &versioned); err != nil {
		return nil, err
	}
	scheme.Default(&versioned)
	var internal apiextensions.CustomResourceDefinition
	err := scheme.Convert(&versioned, &internal, nil)
	return &internal, err
}

func newJudge(crd *apiextensions.CustomResourceDefinition) (*judge, error) {
	declared, err := apiextensions.GetSchemaForVersion(crd, crd.Spec.Versions[0].Name)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(declared.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	values, _, err := validation.NewSchemaValidator(declared.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &judge{structural, values, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

func (j *judge) admit(raw []byte) (map[string]any, []string, error) {
	var object map[string]any
	if err := kjson.Unmarshal(raw, &object); err != nil {
		return nil, nil, err
	}
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	errors := []string{}
	for _, path := range pruning.PruneWithOptions(object, j.structural, true, options) {
		errors = append(errors, fmt.Sprintf("%s: unknown field", path))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, j.structural)
	defaulting.Default(object, j.structural)
	return object, errors, nil
}

func (j *judge) ask(q question) (verdict, error) {
	object, errors, err := j.admit(q.Object)
	if err != nil {
		return verdict{}, err
	}
	var old any
	if len(q.Old) > 0 {
		if old, _, err = j.admit(q.Old); err != nil {
			return verdict{}, err
		}
	}
	for _, each := range validation.ValidateCustomResource(nil, object, j.values) {
		errors = append(errors, each.Error())
	}
	for _, each := range listtype.ValidateListSetsAndMaps(nil, j.structural, object) {
		errors = append(errors, each.Error())
	}
	found, _ := j.rules.Validate(context.Background(), nil, j.structural, object, old, celconfig.RuntimeCELCostBudget)
	for _, each := range found {
		errors = append(errors, each.Error())
	}
	sort.Strings(errors)
	return verdict{Errors: errors, Object: object}, nil
}

func main() {
	var input struct {
		CRDs    []json.RawMessage `json:"crds"`
		Objects []question        `json:"objects"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		log.Fatal(err)
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	judges := map[string]*judge{}
	definitions := map[string][]string{}
	for _, raw := range input.CRDs {
		crd, err := definition(scheme, raw)
		if err != nil {
			log.Fatal(err)
		}
		errors := []string{}
		for _, each := range crdvalidation.ValidateCustomResourceDefinition(context.Background(), crd) {
			errors = append(errors, each.Error())
		}
		definitions[crd.Name] = errors
		if len(errors) > 0 {
			continue
		}
		if judges[crd.Spec.Names.Kind], err = newJudge(crd); err != nil {
			log.Fatal(err)
		}
	}
	verdicts := []verdict{}
	for _, each := range input.Objects {
		judge := judges[each.Kind]
		if judge == nil {
			log.Fatalf("no valid definition of %s", each.Kind)
		}
		answer, err := judge.ask(each)
		if err != nil {
			log.Fatal(err)
		}
		verdicts = append(verdicts, answer)
	}
	output := map[string]any{"crds": definitions, "objects": verdicts}
	if err := json.NewEncoder(os.Stdout).Encode(output); err != nil {
		log.Fatal(err)
	}
}
